-- Grain: one row per version of a tier's service target that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('service_targets') }}
),

cleaned as (
    select
        -- to whom
        source,
        tier,

        -- what is promised
        first_response_minutes,
        resolution_minutes,

        -- times
        {{ adapter.quote('from') }} as starts_on,
        known_on,

        -- which version it is
        {{ version_columns('versions') }}
        replaced_on
    from versions
)

select * from cleaned
{{ and_those_before('service_targets') }}
