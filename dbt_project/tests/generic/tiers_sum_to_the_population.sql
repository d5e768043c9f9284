-- The tiers of a policy and its ungraded customers are its population: nobody is counted twice or lost.
{% test tiers_sum_to_the_population(model) %}
    with people as (
        select
            policy,
            count(*) filter (where tier is not null) as customers
        from {{ ref('dim_customer_tiers') }}
        group by policy
    ),

    tiers as (
        select
            policy,
            sum(customers) as customers,
            sum(graded_customers + provisional_customers) as graded_or_provisional
        from {{ model }}
        group by policy
    )

    select *
    from people
    inner join tiers
        on people.policy = tiers.policy
    where people.customers <> tiers.customers or tiers.customers <> tiers.graded_or_provisional
{% endtest %}
