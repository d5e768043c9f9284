-- Grain: one row per version of an event of an issue that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('issue_events') }}
),

cleaned as (
    select
        -- ids
        versions.source,
        versions.issue_id,
        versions.event_number,
        coalesce(versions.customer_source, versions.source) as customer_source,
        versions.customer_id,
        versions.agent_id,

        -- kinds
        versions.status,
        versions.severity,
        {{ clean_text('versions.topic') }} as topic,
        {{ clean_text('versions.channel') }} as channel,
        -- some sources say so beside another status
        versions.status = 'reopened' or coalesce(versions.is_reopened, false) as is_reopening,

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
{{ and_those_before('issue_events') }}
