-- Every policy decides for everybody with an accepted sale, and for nobody else.
{% test population_is_everybody_with_a_sale(model) %}
    with expected as (
        select distinct
            policies.policy,
            lines.customer_key
        from {{ ref('fct_orders') }} as lines
        cross join {{ source('inputs', 'policies') }} as policies
        where lines.kind = 'sale'
    )

    select
        coalesce(expected.policy, tiers.policy) as policy,
        coalesce(expected.customer_key, tiers.customer_key) as customer_key
    from expected
    full outer join {{ model }} as tiers
        on expected.policy = tiers.policy and expected.customer_key = tiers.customer_key
    where expected.policy is null or tiers.policy is null
{% endtest %}
