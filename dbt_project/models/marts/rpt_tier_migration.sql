-- Each released day against the one before it, with New, Not graded and Left, so that the margins reconcile.
with

days as (
    select
        as_of as to_day,
        lag(as_of) over (order by as_of) as from_day
    from (select distinct as_of from {{ ref('fct_customer_value') }}) as released
),

ends as (
    select
        from_day,
        to_day,
        from_day as on_day,
        false as is_to
    from days
    where from_day is not null

    union all

    select
        from_day,
        to_day,
        to_day as on_day,
        true as is_to
    from days
    where from_day is not null
),

tiers as (
    select
        ends.from_day,
        ends.to_day,
        intervals.policy,
        intervals.customer_key,
        ends.is_to,
        case intervals.graded when 'graded' then intervals.tier else 'Not graded' end as tier
    from ends
    inner join {{ ref('tier_history') }} as intervals
        on
            ends.on_day >= intervals.valid_from
            and ends.on_day <= {{ until('intervals.valid_to') }}
),

tiers_before as (
    select * from tiers
    where not is_to
),

tiers_after as (
    select * from tiers
    where is_to
),

moved as (
    select
        coalesce(before.from_day, after.from_day) as from_day,
        coalesce(before.to_day, after.to_day) as to_day,
        coalesce(before.policy, after.policy) as policy,
        coalesce(before.customer_key, after.customer_key) as customer_key,
        coalesce(before.tier, 'New') as from_tier,
        coalesce(after.tier, 'Left') as to_tier
    from tiers_before as before
    full outer join tiers_after as after
        on
            before.to_day = after.to_day
            and before.policy = after.policy
            and before.customer_key = after.customer_key
),

known_tiers as (  -- as the rules of a version say, or its decisions show
    select
        policy,
        policy_version,
        tier,
        cast(tier_rank as bigint) as tier_rank
    from {{ source('inputs', 'policy_tiers') }}

    union all

    select
        policy,
        policy_version,
        tier,
        tier_rank
    from {{ ref('tier_history') }}
),

ranks as (  -- in the version that ruled on to_day
    select
        days.to_day,
        known_tiers.policy,
        known_tiers.tier,
        min(known_tiers.tier_rank) as tier_rank
    from days
    inner join {{ ref('int_policy_days__decided') }} as versions
        on days.to_day = versions.as_of
    inner join known_tiers
        on versions.policy = known_tiers.policy and versions.policy_version = known_tiers.policy_version
    group by days.to_day, known_tiers.policy, known_tiers.tier
),

migrated as (
    select
        moved.policy,
        moved.from_day,
        moved.to_day,
        moved.from_tier,
        moved.to_tier,
        from_ranks.tier_rank as from_rank,
        to_ranks.tier_rank as to_rank,
        count(*) as customers,
        cast(coalesce(sum(before.net_revenue_12m), 0) as decimal(18, 2)) as from_net_revenue_12m,
        cast(coalesce(sum(after.net_revenue_12m), 0) as decimal(18, 2)) as to_net_revenue_12m
    from moved
    left join {{ ref('fct_customer_value') }} as before
        on moved.from_day = before.as_of and moved.customer_key = before.customer_key
    left join {{ ref('fct_customer_value') }} as after
        on moved.to_day = after.as_of and moved.customer_key = after.customer_key
    left join ranks as from_ranks
        on moved.to_day = from_ranks.to_day and moved.policy = from_ranks.policy and moved.from_tier = from_ranks.tier
    left join ranks as to_ranks
        on moved.to_day = to_ranks.to_day and moved.policy = to_ranks.policy and moved.to_tier = to_ranks.tier
    group by all
)

select * from migrated
