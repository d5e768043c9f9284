-- Grain: one row per version of a payment that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('payments') }}
),

cleaned as (
    select
        -- ids
        versions.source,
        versions.payment_id,
        coalesce(versions.customer_source, versions.source) as customer_source,
        versions.customer_id,
        versions.order_id,

        -- money
        versions.amount as original_amount,
        versions.currency,

        -- times
        versions.issued_on,
        versions.due_on,
        versions.paid_at,
        {{ business_day('versions.paid_at', 'company.time_zone') }} as paid_on,
        versions.known_on,

        -- which version it is
        {{ version_columns('versions') }}
        versions.replaced_on
    from versions
    cross join {{ source('inputs', 'company') }} as company
)

select * from cleaned
{{ and_those_before('payments') }}
