-- Grain: one row per version of an assessment that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('customer_assessments') }}
),

cleaned as (
    select
        -- ids
        source,
        assessment_id,
        coalesce(customer_source, source) as customer_source,
        customer_id,

        -- what was judged
        criterion,
        points,
        {{ clean_text('assessor') }} as assessor,

        -- times
        {{ adapter.quote('from') }} as starts_on,
        {{ adapter.quote('until') }} as ends_on,
        known_on,

        -- which version it is
        {{ version_columns('versions') }}
        replaced_on
    from versions
)

select * from cleaned
{{ and_those_before('customer_assessments') }}
