-- Grain: one row per source and customer id. Which customer an id means, and since when we know of them.
-- A customer exists when the customers stream or an order names it; an interaction or an answer alone creates none.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['source', 'customer_id']) }}
with

named as (
    select
        source,
        customer_id,
        known_on
    from {{ ref('stg_customers') }}
    {{ of_what_arrived('customers') }}

    union all

    select
        customer_source as source,
        customer_id,
        known_on
    from {{ ref('stg_orders') }}
    {{ of_what_arrived('orders') }}
),

{% if is_incremental() %}
    known_before as (
        select kept.*
        from {{ this }} as kept
        semi join named
            on kept.source = named.source and kept.customer_id = named.customer_id
    ),
{% endif %}

first_known as (
    select
        source,
        customer_id,
        min(known_on) as known_on
    from (
        select * from named
        {% if is_incremental() %}
            union all
            select
                source,
                customer_id,
                known_on
            from known_before
        {% endif %}
    ) as named_or_known
    group by source, customer_id
),

keyed as (
    select
        source,
        customer_id,
        {{ customer_key('source', 'customer_id') }} as customer_key,
        known_on
    from first_known
)

select * from keyed
