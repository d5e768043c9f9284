-- Of each day on which something happened: the last decided day before it, and the policy that was primary then. What
-- happened never sees a decision that it helped to make.
{% macro decided_before(rows, day) %}
    select
        happened.{{ day }},
        decided.policy,
        decided.as_of as decided_on
    from (select distinct {{ day }} from {{ rows }}) as happened
    asof inner join (select as_of, policy from {{ ref('int_policy_days__decided') }} where is_primary) as decided
        on happened.{{ day }} > decided.as_of
{% endmacro %}

-- The interval of tier_history that holds on the day which `decided_before` found.
{% macro held_before(tiers, customer_key) -%}
    {{ customer_key }} = {{ tiers }}.customer_key
    and decided_before.policy = {{ tiers }}.policy
    and decided_before.decided_on >= {{ tiers }}.valid_from
    and decided_before.decided_on <= {{ until(tiers ~ '.valid_to') }}
{%- endmacro %}
