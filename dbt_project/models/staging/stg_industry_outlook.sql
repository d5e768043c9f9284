-- Grain: one row per version of an industry's outlook that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('industry_outlook') }}
),

cleaned as (
    select
        -- of what
        source,
        {{ clean_text('industry') }} as industry,

        -- what is expected
        growth,
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
{{ and_those_before('industry_outlook') }}
