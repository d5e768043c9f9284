-- Of those who held a graded tier on the day before: who kept it, rose or fell, and who holds none to compare it with.
with

moves as (
    select
        *,
        case
            when to_tier = from_tier then 'retained'
            when to_rank < from_rank then 'upgraded'
            when to_rank > from_rank then 'downgraded'
            else 'other'
        end as direction
    from {{ ref('rpt_tier_migration') }}
    where from_tier not in ('New', 'Not graded')
),

counted as (
    select
        policy,
        from_day,
        to_day,
        cast(sum(customers) as bigint) as customers,
        cast(sum(case direction when 'retained' then customers else 0 end) as bigint) as retained_customers,
        cast(sum(case direction when 'upgraded' then customers else 0 end) as bigint) as upgraded_customers,
        cast(sum(case direction when 'downgraded' then customers else 0 end) as bigint) as downgraded_customers,
        cast(sum(case direction when 'other' then customers else 0 end) as bigint) as other_customers,
        cast(sum(from_net_revenue_12m) as decimal(18, 2)) as net_revenue_12m,
        cast(sum(case direction when 'retained' then from_net_revenue_12m else 0 end) as decimal(18, 2))
            as retained_net_revenue_12m,
        cast(sum(case direction when 'upgraded' then from_net_revenue_12m else 0 end) as decimal(18, 2))
            as upgraded_net_revenue_12m,
        cast(sum(case direction when 'downgraded' then from_net_revenue_12m else 0 end) as decimal(18, 2))
            as downgraded_net_revenue_12m,
        cast(sum(case direction when 'other' then from_net_revenue_12m else 0 end) as decimal(18, 2))
            as other_net_revenue_12m
    from moves
    group by policy, from_day, to_day
),

rated as (
    select
        *,
        {{ ratio_half_even('retained_customers', 'customers', 4) }} as retention_rate,
        {{ ratio_half_even('upgraded_customers', 'customers', 4) }} as upgrade_rate,
        {{ ratio_half_even('downgraded_customers', 'customers', 4) }} as downgrade_rate,
        case
            when net_revenue_12m > 0
                then {{ ratio_half_even(in_units('retained_net_revenue_12m', 2), in_units('net_revenue_12m', 2), 4) }}
        end as retention_rate_by_revenue,
        case
            when net_revenue_12m > 0
                then {{ ratio_half_even(in_units('upgraded_net_revenue_12m', 2), in_units('net_revenue_12m', 2), 4) }}
        end as upgrade_rate_by_revenue,
        case
            when net_revenue_12m > 0
                then {{ ratio_half_even(in_units('downgraded_net_revenue_12m', 2), in_units('net_revenue_12m', 2), 4) }}
        end as downgrade_rate_by_revenue
    from counted
)

select * from rated
