-- Kept, rose, fell and others are all who held a tier, and as many as the matrix shows there.
{% test rates_agree_with_migration(model) %}
    with held as (
        select
            policy,
            to_day,
            sum(customers) as customers,
            sum(from_net_revenue_12m) as net_revenue_12m
        from {{ ref('rpt_tier_migration') }}
        where from_tier not in ('New', 'Not graded')
        group by policy, to_day
    )

    select
        coalesce(held.policy, rates.policy) as policy,
        coalesce(held.to_day, rates.to_day) as to_day
    from held
    full outer join {{ model }} as rates
        on held.policy = rates.policy and held.to_day = rates.to_day
    where
        held.customers is distinct from
        rates.retained_customers + rates.upgraded_customers + rates.downgraded_customers + rates.other_customers
        or held.net_revenue_12m is distinct from
        rates.retained_net_revenue_12m + rates.upgraded_net_revenue_12m + rates.downgraded_net_revenue_12m
        + rates.other_net_revenue_12m
{% endtest %}
