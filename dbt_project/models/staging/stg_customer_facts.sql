-- Grain: one row per version of a fact about a customer that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('customer_facts') }}
),

cleaned as (
    select
        -- ids
        source,
        coalesce(customer_source, source) as customer_source,
        customer_id,

        -- what is so
        fact,
        value,
        {{ clean_text('origin') }} as origin,

        -- times
        {{ adapter.quote('from') }} as starts_on,
        known_on,

        -- which version it is
        {{ version_columns('versions') }}
        replaced_on
    from versions
)

select * from cleaned
{{ and_those_before('customer_facts') }}
