-- Every policy decides for everybody with an accepted sale, and for nobody else; one that is for some customers only
-- decides for some of them.
{% test population_is_everybody_with_a_sale(model) %}
    with policies as (
        select
            in_force.policy,
            count(applies_to.attribute) = 0 as is_for_everybody
        from {{ ref('int_policies__in_force') }} as in_force
        left join {{ source('inputs', 'policy_applies_to') }} as applies_to
            on in_force.policy = applies_to.policy and in_force.policy_version = applies_to.policy_version
        where in_force.as_of = {{ latest_day() }}
        group by in_force.policy
    ),

    expected as (
        select distinct
            policies.policy,
            policies.is_for_everybody,
            lines.customer_key
        from {{ ref('fct_orders') }} as lines
        cross join policies
        where lines.kind = 'sale' and lines.is_counted
    )

    select
        coalesce(expected.policy, tiers.policy) as policy,
        coalesce(expected.customer_key, tiers.customer_key) as customer_key
    from expected
    full outer join {{ model }} as tiers
        on expected.policy = tiers.policy and expected.customer_key = tiers.customer_key
    where expected.policy is null or (tiers.policy is null and expected.is_for_everybody)
{% endtest %}
