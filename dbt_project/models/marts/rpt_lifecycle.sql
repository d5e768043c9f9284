-- From one released month-end to the next, and to the release's day: who moved from which stage to which, and how long
-- they had been there. Who was not known at the month-end before comes from no stage.
with

{{ staged_customers() }},

followed as (
    select
        *,
        lag(as_of) over (partition by customer_key order by as_of) as from_as_of,
        lag(lifecycle) over (partition by customer_key order by as_of) as from_lifecycle
    from staged
),

begun as (
    select
        *,
        max(case when from_lifecycle is null or from_lifecycle <> lifecycle then as_of end) over (
            partition by customer_key order by as_of rows between unbounded preceding and current row
        ) as stage_since
    from followed
),

moved as (
    select
        as_of,
        from_as_of,
        lifecycle,
        from_lifecycle,
        net_revenue_12m,
        {{ dbt.datediff('lag(stage_since) over (partition by customer_key order by as_of)', 'as_of', 'day') }}
            as days_in_stage
    from begun
),

counted as (
    select
        as_of,
        from_as_of,
        coalesce(from_lifecycle, 'none') as from_lifecycle,
        lifecycle,
        count(*) as customers,
        sum(net_revenue_12m) as net_revenue_12m,
        cast(percentile_disc(0.5) within group (order by days_in_stage) as bigint) as median_days_in_stage
    from moved
    group by as_of, from_as_of, coalesce(from_lifecycle, 'none'), lifecycle
),

converted as (
    select
        as_of,
        from_as_of,
        from_lifecycle,
        lifecycle,
        customers,
        {{ ratio_half_even(
            'customers', 'sum(customers) over (partition by as_of, from_as_of, from_lifecycle)', 4
        ) }} as conversion_rate,
        cast(coalesce(net_revenue_12m, 0) as decimal(18, 2)) as net_revenue_12m,
        median_days_in_stage
    from counted
)

select * from converted
