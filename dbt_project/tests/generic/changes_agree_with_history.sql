-- Every change of tier opens an interval of the history on its day; only leaving a policy opens none.
{% test changes_agree_with_history(model) %}
    select changes.*
    from {{ model }} as changes
    left join {{ ref('tier_history') }} as intervals
        on
            changes.policy = intervals.policy
            and changes.customer_key = intervals.customer_key
            and changes.as_of = intervals.valid_from
    where
        (changes.reason <> 'left_population' and intervals.tier is distinct from changes.to_tier)
        or (changes.reason = 'left_population' and intervals.customer_key is not null)
{% endtest %}
