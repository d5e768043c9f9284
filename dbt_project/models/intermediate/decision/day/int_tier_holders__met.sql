-- Grain: one row per policy and customer, of one decided day. Who is in the policy's population, or was until then,
-- and all that the decision table asks about them: what they held, what people decided, and what they reach.
with

in_force as (
    select in_force.*
    from {{ ref('int_policies__in_force') }} as in_force
    inner join decided_day
        on in_force.as_of = decided_day.as_of
),

people as (
    select ranked.*
    from {{ ref('int_policy_measures__ranked') }} as ranked
    inner join in_force
        on
            ranked.as_of = in_force.as_of
            and ranked.policy = in_force.policy
            and ranked.policy_version = in_force.policy_version
    where ranked.is_main
),

tiers as (
    select
        in_force.policy,
        tiers.tier,
        cast(tiers.tier_rank as bigint) as tier_rank,
        tiers.rule_kind,
        tiers.seat_cap,
        -- manual tiers are no step on the way down
        count(*) filter (where tiers.rule_kind <> 'manual') over (
            partition by in_force.policy order by tiers.tier_rank
        ) as step_number
    from {{ source('inputs', 'policy_tiers') }} as tiers
    inner join in_force
        on tiers.policy = in_force.policy and tiers.policy_version = in_force.policy_version
),

ladders as (
    select
        policy,
        max(tier_rank) filter (where rule_kind = 'otherwise') as otherwise_rank,
        list(tier_rank order by tier_rank) filter (where rule_kind <> 'manual') as steps,
        count(seat_cap) > 0 as has_seats
    from tiers
    group by policy
),

overrides as (  -- one in force names a tier that the version of the day has
    select
        overrides.policy,
        overrides.customer_key,
        tiers.tier_rank
    from {{ ref('int_tier_overrides__judged') }} as overrides
    inner join decided_day
        on
            overrides.known_on <= decided_day.as_of
            and decided_day.as_of < {{ until('overrides.replaced_on') }}
            and overrides.starts_on <= decided_day.as_of
            and decided_day.as_of <= {{ until('overrides.ends_on') }}
    inner join tiers
        on overrides.policy = tiers.policy and overrides.tier = tiers.tier
    where overrides.sent_back_because is null
),

existing as (
    select
        existing.policy,
        existing.customer_key,
        min(tiers.tier_rank) as tier_rank
    from {{ ref('int_existing_tiers__judged') }} as existing
    inner join in_force
        on existing.policy = in_force.policy and in_force.is_first_decided_day
    inner join tiers
        on existing.policy = tiers.policy and existing.tier = tiers.tier and tiers.rule_kind <> 'manual'
    where
        existing.sent_back_because is null
        and existing.known_on <= in_force.as_of
        and in_force.as_of < {{ until('existing.replaced_on') }}
    group by existing.policy, existing.customer_key
),

reached as (
    select
        judged.policy,
        judged.customer_key,
        min(judged.tier_rank) as tier_rank,
        list(judged.tier_rank order by judged.tier_rank) as tier_ranks
    from {{ ref('int_tier_lines__judged') }} as judged
    inner join decided_day
        on judged.as_of = decided_day.as_of
    where judged.reaches
    group by judged.policy, judged.customer_key
),

held as (
    select
        state_before.*,
        case when state_before.graded = 'graded' then tiers.tier_rank end as held_rank,
        case when state_before.graded = 'graded' then tiers.rule_kind end as held_rule,
        state_before.graded = 'graded' and tiers.tier is null as is_tier_gone
    from state_before
    inner join in_force
        on state_before.policy = in_force.policy
    left join tiers
        on state_before.policy = tiers.policy and state_before.tier = tiers.tier
),

met as (
    select
        in_force.as_of,
        in_force.policy,
        in_force.policy_version,
        in_force.previous_as_of,
        in_force.previous_version,
        coalesce(people.customer_key, held.customer_key) as customer_key,
        people.customer_key is null as has_left,

        -- that day
        people.group_name,
        people.score,
        people.rank_position,
        coalesce(people.is_eligible, false) as is_eligible,
        people.graded as gradable,
        case
            when people.graded <> 'not_graded' then coalesce(reached.tier_rank, ladders.otherwise_rank)
        end as reached_rank,
        list_append(coalesce(reached.tier_ranks, []), ladders.otherwise_rank) as reached_ranks,

        -- before
        held.customer_key is null as is_new,
        held.tier as from_tier,
        held.graded as from_graded,
        held.tier_since as since_before,
        held.cause as cause_before,
        held.held_rank,
        held.held_rule,
        coalesce(held.is_tier_gone, false) as is_tier_gone,
        coalesce(held.by_override, false) as was_by_override,
        held.runs as runs_before,

        -- what people decided
        overrides.tier_rank as override_rank,
        existing.tier_rank as existing_rank,

        -- the policy
        in_force.confirm_days,
        in_force.grace_days,
        in_force.minimum_stay_days,
        in_force.maximum_steps_down,
        ladders.steps,
        ladders.has_seats,
        tiers.step_number as held_step,
        case in_force.review_calendar
            when 'nightly' then true
            when 'monthly' then {{ review_since('month', 'in_force.as_of') }} > in_force.settled_before
            when 'quarterly' then {{ review_since('quarter', 'in_force.as_of') }} > in_force.settled_before
            when 'half_yearly' then {{ review_since('half_year', 'in_force.as_of') }} > in_force.settled_before
            when 'anniversary'
                then {{ last_anniversary('people.first_sale_on', 'in_force.as_of') }} > in_force.settled_before
        end as is_review_day
    from people
    full outer join held
        on people.policy = held.policy and people.customer_key = held.customer_key
    inner join in_force
        on coalesce(people.policy, held.policy) = in_force.policy
    inner join ladders
        on in_force.policy = ladders.policy
    left join reached
        on people.policy = reached.policy and people.customer_key = reached.customer_key
    left join overrides
        on people.policy = overrides.policy and people.customer_key = overrides.customer_key
    left join existing
        on people.policy = existing.policy and people.customer_key = existing.customer_key
    left join tiers
        on held.policy = tiers.policy and held.held_rank = tiers.tier_rank
)

select * from met
