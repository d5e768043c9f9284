-- Every customer of every policy is explained, in the tier it holds and for the reason it was given.
{% test explanations_are_of_the_tiers_held(model) %}
    select
        coalesce(explained.policy, tiers.policy) as policy,
        coalesce(explained.customer_key, tiers.customer_key) as customer_key
    from {{ model }} as explained
    full outer join {{ ref('dim_customer_tiers') }} as tiers
        on explained.policy = tiers.policy and explained.customer_key = tiers.customer_key
    where
        explained.policy is null
        or tiers.policy is null
        or explained.tier is distinct from tiers.tier
        or explained.reason <> tiers.reason
        or explained.score is distinct from tiers.score
{% endtest %}
