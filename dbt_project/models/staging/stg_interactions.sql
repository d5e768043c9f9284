-- Grain: one row per version of an interaction that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('interactions') }}
),

cleaned as (
    select
        -- ids
        versions.source,
        versions.interaction_id,
        coalesce(versions.customer_source, versions.source) as customer_source,
        versions.customer_id,
        versions.agent_id,

        -- kinds
        versions.kind,
        {{ clean_text('versions.channel') }} as channel,
        versions.direction,
        {{ clean_text('versions.topic') }} as topic,
        {{ clean_text('versions.sentiment') }} as sentiment,
        versions.duration_seconds,

        -- times
        versions.occurred_at,
        {{ business_day('versions.occurred_at', 'company.time_zone') }} as occurred_on,
        versions.known_on,

        -- which version it is
        {{ version_columns('versions') }}
        versions.replaced_on
    from versions
    cross join {{ source('inputs', 'company') }} as company
)

select * from cleaned
{{ and_those_before('interactions') }}
