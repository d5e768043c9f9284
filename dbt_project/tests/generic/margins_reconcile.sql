-- Whoever a matrix shows in a tier at its end was shown there at the beginning of the next.
{% test margins_reconcile(model) %}
    with ends as (
        select
            policy,
            to_day as on_day,
            to_tier as tier,
            sum(customers) as customers
        from {{ model }}
        where to_tier <> 'Left'
        group by policy, to_day, to_tier
    ),

    beginnings as (
        select
            policy,
            from_day as on_day,
            from_tier as tier,
            sum(customers) as customers
        from {{ model }}
        where from_tier <> 'New'
        group by policy, from_day, from_tier
    )

    select
        beginnings.*,
        ends.customers as customers_before
    from beginnings
    inner join (select distinct policy, on_day from ends) as covered
        on beginnings.policy = covered.policy and beginnings.on_day = covered.on_day
    left join ends
        on
            beginnings.policy = ends.policy
            and beginnings.on_day = ends.on_day
            and beginnings.tier = ends.tier
    where ends.customers is distinct from beginnings.customers
{% endtest %}
