-- Grain: one row per source and interaction that began to stand since the parent's day, ceased to, or was named since.
with

moved as (
    select distinct
        interactions.source,
        interactions.interaction_id
    from {{ ref('stg_interactions') }} as interactions
    left join {{ ref('int_customer_ids__keyed') }} as customers
        on interactions.customer_source = customers.source and interactions.customer_id = customers.customer_id
    where
        {{ moved_since_parent('interactions', 'occurred_on') }}
        or customers.known_on > {{ parents_day() }}
)

select * from moved
