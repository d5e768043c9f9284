-- Graded customers under no override: nobody else waits for a review.
with

explained as (
    select
        explained.*,
        policies.review_calendar,
        policies.confirm_days,
        policies.grace_days,
        policies.minimum_stay_days,
        policies.maximum_steps_down
    from {{ ref('tier_explanations') }} as explained
    inner join {{ ref('int_policies__in_force') }} as policies
        on explained.as_of = policies.as_of and explained.policy = policies.policy
    where explained.graded = 'graded' and explained.reason <> 'override'
),

tiers as (
    select
        policies.policy,
        tiers.tier,
        cast(tiers.tier_rank as bigint) as tier_rank,
        tiers.rule_kind,
        tiers.seat_cap
    from {{ source('inputs', 'policy_tiers') }} as tiers
    inner join {{ ref('int_policies__in_force') }} as policies
        on tiers.policy = policies.policy and tiers.policy_version = policies.policy_version
    where policies.as_of = {{ latest_day() }}
),

ladders as (  -- manual tiers are no step on the way down
    select
        policy,
        list(tier_rank order by tier_rank) filter (where rule_kind <> 'manual') as steps
    from tiers
    group by policy
),

lines as (  -- a tier of several measures has no line that one number could show
    select
        policy,
        group_name,
        tier,
        max(clear_value) as clear_value,
        max(behind_clear_rank[1]) as behind_clear_rank,
        max(miss_value) as miss_value,
        max(miss_rank) as miss_rank,
        max(at_miss_rank[1]) as at_miss_rank,
        max(condition_kind) as condition_kind,
        max({{ measure_step('measure') }}) as step
    from {{ ref('int_policy_lines__drawn') }}
    where as_of = {{ latest_day() }} and counted_more = 0 and rule_kind in ('top_share', 'at_least', 'above')
    group by policy, group_name, tier
),

runs as (
    select
        policy,
        customer_key,
        unnest(runs) as run
    from {{ ref('int_tier_decisions__decided') }}
    where as_of = {{ latest_day() }} and len(runs) > 0
),

clearing as (
    select
        runs.policy,
        runs.customer_key,
        tiers.tier_rank,
        runs.run['since'] as since
    from runs
    inner join tiers
        on runs.policy = tiers.policy and runs.run['tier'] = tiers.tier
    where runs.run['kind'] = 'clearing'
),

reviewed as (  -- what has to pass before each direction, and the first review day after it
    select
        explained.*,
        case
            when explained.clearing_tier is not null then explained.earliest_change_on
            else cast(explained.as_of + explained.confirm_days as date)
        end as rises_from,
        case
            when explained.missing_since is not null then explained.earliest_change_on
            else greatest(
                cast(explained.as_of + explained.confirm_days + explained.grace_days as date),
                cast(explained.tier_since + explained.minimum_stay_days as date)
            )
        end as falls_from
    from explained
),

rising as (
    select
        reviewed.*,
        {{ review_on_or_after('reviewed.review_calendar', 'reviewed.first_sale_on', 'reviewed.rises_from') }} as due_on
    from reviewed
    where reviewed.clearing_tier is not null or 10 * reviewed.gap_up <= abs(reviewed.score)
),

confirmed as (  -- the highest tier whose run will be complete by then
    select
        rising.policy,
        rising.customer_key,
        min(clearing.tier_rank) filter (
            where clearing.since + rising.confirm_days - 1 <= rising.due_on
        ) as tier_rank,
        min(clearing.since) as cleared_since
    from rising
    inner join clearing
        on rising.policy = clearing.policy and rising.customer_key = clearing.customer_key
    group by rising.policy, rising.customer_key
),

rising_to as (
    select
        rising.*,
        coalesce(confirmed.tier_rank, rising.tier_rank - 1) as to_rank,
        confirmed.cleared_since
    from rising
    left join confirmed
        on rising.policy = confirmed.policy and rising.customer_key = confirmed.customer_key
),

holders as (
    select
        policy,
        group_name,
        tier,
        count(*) as customers
    from {{ ref('tier_explanations') }}
    where graded = 'graded'
    group by policy, group_name, tier
),

seated as (  -- as seats are taken: by rank, equals together or not at all
    select
        rising_to.*,
        tiers.tier as to_tier,
        coalesce(
            count(*) over (
                partition by rising_to.policy, rising_to.group_name, rising_to.to_rank, rising_to.clearing_tier is null
                order by rising_to.rank_position
                range between unbounded preceding and current row
            ) + coalesce(holders.customers, 0) > tiers.seat_cap,
            false
        ) as is_full
    from rising_to
    inner join tiers
        on rising_to.policy = tiers.policy and rising_to.to_rank = tiers.tier_rank
    left join holders
        on
            tiers.policy = holders.policy
            and tiers.tier = holders.tier
            and rising_to.group_name = holders.group_name
),

rises as (
    select
        seated.*,
        'rise' as direction,
        seated.clearing_tier is not null and not seated.is_full as is_on_course,
        case
            when seated.clearing_tier is null then seated.gap_up
            when lines.condition_kind = 'top_share'
                then greatest(seated.score - greatest(coalesce(lines.behind_clear_rank, 0), 0), 0)
            when lines.condition_kind in ('at_least', 'above') then greatest(seated.score - lines.clear_value, 0)
        end as missing_amount,
        case
            when seated.clearing_tier is null then null
            when seated.is_full then 'waiting_for_seat'
            when seated.cleared_since + seated.confirm_days - 1 > seated.as_of then 'held_by_confirmation'
            when seated.review_calendar <> 'nightly' then 'held_by_calendar'
        end as held_by
    from seated
    left join lines
        on seated.policy = lines.policy and seated.group_name = lines.group_name and seated.to_tier = lines.tier
),

falling as (  -- who clears a higher tier rises, whatever else it misses
    select
        reviewed.*,
        {{ review_on_or_after('reviewed.review_calendar', 'reviewed.first_sale_on', 'reviewed.falls_from') }} as due_on,
        reached.tier_rank as reached_rank
    from reviewed
    left join tiers as reached
        on reviewed.policy = reached.policy and reviewed.reached_tier = reached.tier
    where
        reviewed.clearing_tier is null
        and case
            when reviewed.missing_since is not null then reached.tier_rank > reviewed.tier_rank
            else 10 * reviewed.gap_down <= abs(reviewed.score)
        end
),

steps_down as (
    select
        falling.*,
        list_filter(ladders.steps, lambda lower_rank: lower_rank > falling.tier_rank) as steps
    from falling
    inner join ladders
        on falling.policy = ladders.policy
),

falling_to as (
    select
        *,
        -- who misses its tier next reaches the next one below it, or what it reaches already
        greatest(reached_rank, steps[1]) as wanted_rank,
        -- as far down as the steps allow
        steps[maximum_steps_down] as lowest_rank
    from steps_down
),

falls as (
    select
        falling_to.*,
        tiers.tier as to_tier,
        'fall' as direction,
        falling_to.missing_since is not null as is_on_course,
        case
            when falling_to.missing_since is null then falling_to.gap_down
            when lines.condition_kind = 'at_least' then lines.miss_value - falling_to.score
            when lines.condition_kind = 'above' then lines.miss_value + lines.step - falling_to.score
            when lines.miss_rank >= 1
                then greatest(coalesce(lines.at_miss_rank, 0), 0) + lines.step - falling_to.score
        end as missing_amount,
        case
            when falling_to.missing_since is null then null
            when falling_to.missing_since + falling_to.confirm_days - 1 > falling_to.as_of then 'held_by_confirmation'
            when falling_to.missing_since + falling_to.confirm_days + falling_to.grace_days - 1 > falling_to.as_of
                then 'held_by_grace'
            when falling_to.tier_since + falling_to.minimum_stay_days > falling_to.as_of then 'held_by_stay'
            when falling_to.review_calendar <> 'nightly' then 'held_by_calendar'
        end as held_by
    from falling_to
    inner join tiers
        on
            falling_to.policy = tiers.policy
            and least(falling_to.wanted_rank, falling_to.lowest_rank) = tiers.tier_rank
    left join lines
        on
            falling_to.policy = lines.policy
            and falling_to.group_name = lines.group_name
            and falling_to.tier = lines.tier
),

moves as (
    select * from rises
    union all by name
    select * from falls
),

forecast as (
    select
        moves.as_of,
        moves.policy,
        moves.customer_key,
        moves.direction,
        customers.account_manager_id,
        moves.tier,
        moves.to_tier,
        moves.is_on_course,
        moves.held_by,
        moves.measure,
        moves.score,
        cast(moves.missing_amount as decimal(18, 4)) as missing_amount,
        moves.due_on,
        cast({{ dbt.datediff('moves.as_of', 'moves.due_on', 'day') }} as bigint) as days_left
    from moves
    left join {{ ref('dim_customers') }} as customers
        on moves.customer_key = customers.customer_key
)

select * from forecast
