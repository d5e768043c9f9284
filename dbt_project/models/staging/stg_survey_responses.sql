-- Grain: one row per version of an answer to one question that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    {{ standing_versions('survey_responses') }}
),

cleaned as (
    select
        -- ids
        versions.source,
        versions.response_id,
        versions.question_id,
        coalesce(versions.customer_source, versions.source) as customer_source,
        versions.customer_id,
        coalesce(versions.respondent_id, versions.customer_id) as respondent_id,

        -- kinds
        versions.instrument,
        {{ clean_text('versions.dimension') }} as dimension,
        versions.is_overall,
        {{ clean_text('versions.wave') }} as wave,
        {{ clean_text('versions.channel') }} as channel,
        coalesce(versions.direction, 'higher_is_better') as direction,

        -- the answer; a blank has no score
        versions.score,
        versions.scale_min,
        versions.scale_max,

        -- times
        versions.answered_at,
        {{ business_day('versions.answered_at', 'company.time_zone') }} as answered_on,
        versions.known_on,

        -- which version it is
        {{ version_columns('versions') }}
        versions.replaced_on
    from versions
    cross join {{ source('inputs', 'company') }} as company
)

select * from cleaned
{{ and_those_before('survey_responses') }}
