-- A shadow policy is computed and reported, never sent.
{% test shadow_policies_stay_home(model) %}
    select sent.*
    from {{ model }} as sent
    inner join {{ ref('int_policies__in_force') }} as policies
        on sent.policy = policies.policy and sent.as_of = policies.as_of
    where policies.policy_status <> 'active'
{% endtest %}
