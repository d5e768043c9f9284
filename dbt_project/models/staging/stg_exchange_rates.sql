-- Grain: one row per version of an exchange rate that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('exchange_rates') }}
),

cleaned as (
    select
        -- of what
        source,
        currency,

        -- money
        rate,

        -- times
        {{ adapter.quote('from') }} as starts_on,
        known_on,

        -- which version it is
        {{ version_columns('versions') }}
        replaced_on
    from versions
)

select * from cleaned
{{ and_those_before('exchange_rates') }}
