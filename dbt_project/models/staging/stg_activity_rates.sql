-- Grain: one row per version of an activity's rate that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('activity_rates') }}
),

cleaned as (
    select
        -- what is done
        source,
        activity,

        -- money
        unit_cost,
        coalesce(sensitivity, 0) as sensitivity,

        -- times
        {{ adapter.quote('from') }} as starts_on,
        known_on,

        -- which version it is
        {{ version_columns('versions') }}
        replaced_on
    from versions
)

select * from cleaned
{{ and_those_before('activity_rates') }}
