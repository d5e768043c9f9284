-- Grain: one row per policy and customer, of one decided day. The first row of the decision table, 1 to 9, whose
-- "when" holds, and what it gives. Seats are looked at afterwards.
with

runs as (
    select
        counted.policy,
        counted.customer_key,
        min(counted.tier_rank) filter (where counted.kind = 'clearing' and counted.tier_rank < met.held_rank)
            as clears_rank,
        min(counted.tier_rank) filter (
            where
            counted.kind = 'clearing' and counted.tier_rank < met.held_rank and counted.days >= met.confirm_days
        ) as confirmed_rank,
        max(counted.days) filter (where counted.kind = 'missing') as missed_days
    from {{ ref('int_tier_runs__counted') }} as counted
    inner join {{ ref('int_tier_holders__met') }} as met
        on counted.policy = met.policy and counted.customer_key = met.customer_key
    group by counted.policy, counted.customer_key
),

tried as (
    select
        met.*,
        runs.clears_rank,
        runs.confirmed_rank,
        runs.missed_days,
        case
            when met.has_left then null
            when met.override_rank is not null then 1
            when met.was_by_override then 2
            when not met.is_eligible and met.held_rank is null and met.existing_rank is null then 3
            when not met.is_eligible and met.held_rank is not null then 4
            when met.held_rank is null then 5
            when runs.clears_rank is not null then 6
            when runs.missed_days is not null and met.reached_rank > met.held_rank then 7
            when met.reached_rank <> met.held_rank then 8
            else 9
        end as decision_row,
        -- as far down as the steps allow, and never below the tier reached
        case
            when met.maximum_steps_down is null then met.reached_rank
            else least(
                met.reached_rank,
                coalesce(met.steps[met.held_step + met.maximum_steps_down], met.reached_rank)
            )
        end as lower_rank
    from {{ ref('int_tier_holders__met') }} as met
    left join runs
        on met.policy = runs.policy and met.customer_key = runs.customer_key
),

applied as (
    select
        *,
        case decision_row
            when 1 then 'override'
            when 2 then 'override_ended'
            when 3 then gradable
            when 4 then 'held_not_eligible'
            when 5 then case when existing_rank is not null then 'existing' else 'reached' end
            when 6
                then
                    case
                        when confirmed_rank is null then 'held_by_confirmation'
                        when not is_review_day then 'held_by_calendar'
                        else 'promoted'
                    end
            when 7
                then
                    case
                        when missed_days < confirm_days then 'held_by_confirmation'
                        when missed_days < confirm_days + grace_days then 'held_by_grace'
                        when {{ dbt.datediff('since_before', 'as_of', 'day') }} < minimum_stay_days then 'held_by_stay'
                        when not is_review_day then 'held_by_calendar'
                        else 'demoted'
                    end
            when 8 then 'held_by_band'
            when 9 then 'unchanged'
            else 'left_population'
        end as row_reason
    from tried
),

resulting as (
    select
        *,
        case row_reason
            when 'override' then override_rank
            when 'override_ended' then reached_rank  -- nobody who is not gradable reaches a tier
            when 'provisional' then reached_rank
            when 'existing' then existing_rank
            when 'reached' then reached_rank
            when 'promoted' then confirmed_rank
            when 'demoted' then lower_rank
            when 'not_graded' then null
            when 'left_population' then null
            else held_rank
        end as row_rank,
        case
            when decision_row in (1, 4, 6, 7, 8, 9) or row_reason = 'existing' then 'graded'
            else coalesce(gradable, 'not_graded')
        end as row_graded,
        row_reason in ('override_ended', 'reached', 'promoted') and is_eligible as is_newcomer,
        row_reason = 'demoted' and lower_rank < reached_rank as is_limited_by_steps
    from applied
)

select * from resulting
