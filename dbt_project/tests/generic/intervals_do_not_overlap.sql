-- On any day a customer holds one tier in a policy, and an interval never ends before it begins.
{% test intervals_do_not_overlap(model) %}
    with followed as (
        select
            *,
            lead(valid_from) over (partition by policy, customer_key order by valid_from) as next_from
        from {{ model }}
    )

    select *
    from followed
    where valid_to < valid_from or (next_from is not null and (valid_to is null or valid_to >= next_from))
{% endtest %}
