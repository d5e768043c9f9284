-- The list names everybody who waits for a seat, in the tier they hold, and nobody else.
{% test waiting_list_is_who_waits(model) %}
    with listed as (
        select *
        from {{ model }}
        where kind = 'waiting_for_seat'
    ),

    waiting as (
        select *
        from {{ ref('dim_customer_tiers') }}
        where reason = 'waiting_for_seat'
    )

    select
        coalesce(listed.policy, waiting.policy) as policy,
        coalesce(listed.customer_key, waiting.customer_key) as customer_key
    from listed
    full outer join waiting
        on listed.policy = waiting.policy and listed.customer_key = waiting.customer_key
    where
        listed.policy is null
        or waiting.policy is null
        or listed.tier is distinct from waiting.tier
        or listed.rank_position is distinct from waiting.rank_position
{% endtest %}
