-- Each released day against the one before it, with New, Not graded and Left, so that the margins reconcile.
with

days as (
    select
        as_of as to_day,
        lag(as_of) over (order by as_of) as from_day
    from (select distinct as_of from {{ ref('fct_customer_value') }}) as released
),

tiers as (
    select
        days.from_day,
        days.to_day,
        intervals.policy,
        intervals.customer_key,
        days.is_to,
        case intervals.graded when 'graded' then intervals.tier else 'Not graded' end as tier
    from (
        select from_day, to_day, false as is_to, from_day as on_day from days where from_day is not null
        union all
        select from_day, to_day, true as is_to, to_day as on_day from days where from_day is not null
    ) as days
    inner join {{ ref('tier_history') }} as intervals
        on
            days.on_day >= intervals.valid_from
            and days.on_day <= {{ until('intervals.valid_to') }}
),

moved as (
    select
        coalesce(before.from_day, after.from_day) as from_day,
        coalesce(before.to_day, after.to_day) as to_day,
        coalesce(before.policy, after.policy) as policy,
        coalesce(before.customer_key, after.customer_key) as customer_key,
        coalesce(before.tier, 'New') as from_tier,
        coalesce(after.tier, 'Left') as to_tier
    from (select * from tiers where not is_to) as before
    full outer join (select * from tiers where is_to) as after
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
