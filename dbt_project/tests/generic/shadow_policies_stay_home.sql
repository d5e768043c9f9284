-- A shadow policy is computed and reported, never sent.
{% test shadow_policies_stay_home(model) %}
    select sent.*
    from {{ model }} as sent
    inner join {{ source('inputs', 'policies') }} as policies
        on sent.policy = policies.policy
    where policies.policy_status <> 'active'
{% endtest %}
