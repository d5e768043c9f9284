{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ take_out('int_interactions__moved', ['source', 'interaction_id']) }}"
) }}
-- depends_on: {{ ref('int_interactions__moved') }}
with

days as (
    select {{ latest_day() }} as as_of
),

facts as (
    select
        interactions.source,
        interactions.interaction_id,
        customers.customer_key,
        customers.customer_key is not null as is_linked,
        interactions.occurred_at,
        interactions.occurred_on,
        interactions.kind,
        interactions.channel,
        interactions.direction,
        interactions.topic,
        interactions.sentiment,
        interactions.duration_seconds,
        interactions.agent_id,
        interactions.known_on
    from {{ ref('stg_interactions') }} as interactions
    inner join days
        on {{ stands_on('interactions', 'days.as_of', 'occurred_on') }}
    left join {{ ref('dim_customer_ids') }} as customers
        on interactions.customer_source = customers.source and interactions.customer_id = customers.customer_id
    {% if is_incremental() %}
        where
            (interactions.source, interactions.interaction_id) in (
                select
                    source,
                    interaction_id
                from {{ ref('int_interactions__moved') }}
            )
    {% endif %}
)

select * from facts
