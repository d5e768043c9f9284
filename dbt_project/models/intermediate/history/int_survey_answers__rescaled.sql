-- Grain: one row per version of an answer that is no blank. Answers of any scale as 0-100, higher is better.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

arrived as (
    select *
    from {{ ref('stg_survey_responses') }}
    {{ of_what_arrived('survey_responses') }}
),

rescaled as (
    select
        version_of,
        source,
        response_id,
        question_id,
        customer_source,
        customer_id,
        respondent_id,
        instrument,
        dimension,
        wave,
        coalesce(is_overall, true) as stands_for_the_whole,
        answered_at,
        answered_on,
        known_on,
        replaced_on,
        {{ ratio_half_even(
            in_units(
                "case when direction = 'lower_is_better' then scale_max - score else score - scale_min end", 4
            ) ~ ' * 100',
            in_units('(scale_max - scale_min)', 4),
            4
        ) }} as rescaled_score
    from arrived
    where score is not null
)

select * from rescaled
