-- Revenue by customer, the largest first. Customers without positive revenue stand at the end of the curve with 0,
-- so that the curve never turns back.
with

people as (
    select
        as_of,
        customer_key,
        greatest(net_revenue_12m, 0) as revenue
    from {{ ref('fct_customer_value') }}
    where net_revenue_12m is not null
),

ordered as (
    select
        as_of,
        revenue,
        row_number() over (partition by as_of order by revenue desc, customer_key asc) as place,
        count(*) over (partition by as_of) as customers,
        sum(revenue) over (partition by as_of) as total,
        sum(revenue) over (
            partition by as_of order by revenue desc, customer_key asc rows unbounded preceding
        ) as running
    from people
),

gini as (
    select
        as_of,
        'gini' as statistic,
        cast(null as decimal(5, 4)) as customer_share,
        cast(max(customers) as bigint) as customers,
        -- 1 + 1/n - 2 Σ i·x_i / (n Σ x), with i = 1 for the largest (Sen 1973)
        {{ ratio_half_even(
            in_units('((max(customers) + 1) * max(total) - 2 * sum(place * revenue))', 2),
            in_units('(max(customers) * max(total))', 2),
            4
        ) }} as value
    from ordered
    where total > 0
    group by as_of
),

shares as (
    select
        'top_share' as statistic,
        unnest([0.01, 0.05, 0.10, 0.20]) as customer_share
    union all
    select
        'lorenz' as statistic,
        unnest(range(0, 101)) / 100.0 as customer_share
),

totals as (
    select
        as_of,
        max(customers) as customers,
        max(total) as total
    from ordered
    where total > 0
    group by as_of
),

points as (
    select
        totals.as_of,
        shares.statistic,
        cast(shares.customer_share as decimal(5, 4)) as customer_share,
        totals.customers,
        totals.total,
        cast(floor(cast(shares.customer_share as decimal(5, 4)) * totals.customers) as bigint) as place
    from shares
    cross join totals
),

curve as (
    select
        points.as_of,
        points.statistic,
        points.customer_share,
        points.place as customers,
        {{ ratio_half_even(in_units('coalesce(ordered.running, 0)', 2), in_units('points.total', 2), 4) }} as value
    from points
    left join ordered
        on points.as_of = ordered.as_of and points.place = ordered.place
),

concentration as (
    select * from curve
    union all by name
    select * from gini
)

select * from concentration
