-- Grain: one row per source, product and stretch of days on which what is known of it was the same.
-- The stretch before a product was first known has no cost: an unknown cost is unknown, never zero.
with

known as (
    select
        source,
        product_id,
        category,
        unit_cost,
        list_price,
        is_premium,
        known_on,
        replaced_on
    from {{ ref('stg_products') }}
),

unknown_before as (
    select
        source,
        product_id,
        cast(null as {{ dbt.type_string() }}) as category,
        cast(null as decimal(18, 4)) as unit_cost,
        cast(null as decimal(18, 4)) as list_price,
        cast(null as boolean) as is_premium,
        cast('0001-01-01' as date) as known_on,
        min(known_on) as replaced_on
    from known
    group by source, product_id
),

costed as (
    select * from known
    union all
    select * from unknown_before
)

select * from costed
