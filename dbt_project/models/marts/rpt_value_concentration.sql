-- Revenue by customer, the largest first. Customers without positive revenue stand at the end of the curve with 0,
-- so that the curve never turns back. The whale curve is of profit, the most profitable first, losses at its end with
-- what they are: it rises past the whole and comes back, so profit has no Gini.
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

effective as (  -- as many customers of equal size would be as uneven: 1 / Σ s²
    select
        as_of,
        'effective_customers' as statistic,
        cast(count(*) as bigint) as customers,
        cast(1 / sum(power(cast(revenue as double) / cast(total as double), 2)) as decimal(18, 4)) as value
    from ordered
    where total > 0 and revenue > 0
    group by as_of
),

measured as (  -- what serving costs is in a day's profit as soon as it is known of anybody
    select
        as_of,
        case when count(contribution_12m) > 0 then 'contribution_12m' else 'gross_profit_12m' end as measure
    from {{ ref('fct_customer_value') }}
    group by as_of
),

profitable as (
    select
        valued.as_of,
        valued.customer_key,
        measured.measure,
        case measured.measure
            when 'contribution_12m' then valued.contribution_12m
            else valued.gross_profit_12m
        end as profit
    from {{ ref('fct_customer_value') }} as valued
    inner join measured
        on valued.as_of = measured.as_of
),

profits as (
    select
        as_of,
        measure,
        row_number() over (partition by as_of order by profit desc, customer_key asc) as place,
        count(*) over (partition by as_of) as customers,
        sum(profit) over (partition by as_of) as total,
        sum(profit) over (
            partition by as_of order by profit desc, customer_key asc rows unbounded preceding
        ) as running
    from profitable
    where profit is not null
),

earned as (
    select
        as_of,
        min(measure) as measure,
        max(customers) as customers,
        max(total) as total,
        max(running) as peak
    from profits
    where total > 0
    group by as_of
),

whale_points as (
    select
        earned.as_of,
        earned.measure,
        earned.total,
        cast(shares.customer_share as decimal(5, 4)) as customer_share,
        cast(floor(cast(shares.customer_share as decimal(5, 4)) * earned.customers) as bigint) as place
    from shares
    cross join earned
    where shares.statistic = 'lorenz'
),

whale as (
    select
        points.as_of,
        'whale' as statistic,
        points.measure,
        points.customer_share,
        points.place as customers,
        {{ ratio_half_even(in_units('coalesce(profits.running, 0)', 2), in_units('points.total', 2), 4) }} as value
    from whale_points as points
    left join profits
        on points.as_of = profits.as_of and points.place = profits.place
),

whale_peak as (
    select
        earned.as_of,
        'whale_peak' as statistic,
        min(earned.measure) as measure,
        {{ ratio_half_even('min(profits.place)', 'max(earned.customers)', 4) }} as customer_share,
        min(profits.place) as customers,
        {{ ratio_half_even(in_units('max(earned.peak)', 2), in_units('max(earned.total)', 2), 4) }} as value
    from earned
    inner join profits
        on earned.as_of = profits.as_of and earned.peak = profits.running
    group by earned.as_of
),

found as (
    select * from curve
    union all by name
    select * from gini
    union all by name
    select * from effective
    union all by name
    select * from whale
    union all by name
    select * from whale_peak
),

concentration as (
    select
        as_of,
        statistic,
        coalesce(measure, 'net_revenue_12m') as measure,
        cast(customer_share as decimal(5, 4)) as customer_share,
        customers,
        value
    from found
)

select * from concentration
