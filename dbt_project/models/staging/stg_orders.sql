-- Grain: one row per version of an order line that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('orders') }}
),

cleaned as (
    select
        -- ids
        versions.source,
        versions.order_id,
        versions.line_id,
        coalesce(versions.customer_source, versions.source) as customer_source,
        versions.customer_id,
        versions.original_order_id,
        versions.product_id,

        -- kinds
        versions.kind,
        {{ clean_text('versions.status') }} as status,
        {{ clean_text('versions.category') }} as category,
        {{ clean_text('versions.channel') }} as channel,
        coalesce(versions.is_rush, false) as is_rush,

        -- money
        versions.amount as original_amount,
        versions.currency,
        versions.quantity,
        versions.unit_price,
        versions.list_price,
        versions.discount_amount,
        versions.cost_amount,

        -- times
        versions.ordered_at,
        {{ business_day('versions.ordered_at', 'company.time_zone') }} as ordered_on,
        versions.known_on,

        -- which version it is
        {{ version_columns('versions') }}
        versions.replaced_on
    from versions
    cross join {{ source('inputs', 'company') }} as company
)

select * from cleaned
{{ and_those_before('orders') }}
