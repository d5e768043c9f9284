-- Grain: one row per version of a product that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('products') }}
),

cleaned as (
    select
        -- ids
        source,
        product_id,

        -- what it is
        {{ clean_text('name') }} as name,
        {{ clean_text('category') }} as category,
        is_premium,

        -- money
        unit_cost,
        list_price,

        -- times
        known_on,

        -- which version it is
        {{ version_columns('versions') }}
        replaced_on
    from versions
)

select * from cleaned
{{ and_those_before('products') }}
