-- Grain: one row per source and customer id. Which customer an id means, and since when we know of them.
-- A customer exists when the customers stream or an order names it; an interaction or an answer alone creates none.
with

named as (
    select
        source,
        customer_id,
        known_on
    from {{ ref('stg_customers') }}

    union all

    select
        customer_source as source,
        customer_id,
        known_on
    from {{ ref('stg_orders') }}
),

first_known as (
    select
        source,
        customer_id,
        min(known_on) as known_on
    from named
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
