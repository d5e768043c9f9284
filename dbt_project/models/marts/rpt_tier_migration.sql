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

migrated as (
    select
        moved.policy,
        moved.from_day,
        moved.to_day,
        moved.from_tier,
        moved.to_tier,
        count(*) as customers,
        cast(coalesce(sum(before.net_revenue_12m), 0) as decimal(18, 2)) as from_net_revenue_12m,
        cast(coalesce(sum(after.net_revenue_12m), 0) as decimal(18, 2)) as to_net_revenue_12m
    from moved
    left join {{ ref('fct_customer_value') }} as before
        on moved.from_day = before.as_of and moved.customer_key = before.customer_key
    left join {{ ref('fct_customer_value') }} as after
        on moved.to_day = after.as_of and moved.customer_key = after.customer_key
    group by all
)

select * from migrated
