with

days as (
    select {{ latest_day() }} as as_of
),

facts as (
    select
        responses.source,
        responses.response_id,
        responses.question_id,
        customers.customer_key,
        customers.customer_key is not null as is_linked,
        responses.instrument,
        responses.dimension,
        responses.is_overall,
        responses.wave,
        responses.channel,
        responses.answered_at,
        responses.answered_on,
        responses.score,
        responses.score is null as is_blank,
        responses.scale_min,
        responses.scale_max,
        answers.rescaled_score,
        responses.known_on
    from {{ ref('stg_survey_responses') }} as responses
    inner join days
        on {{ stands_on('responses', 'days.as_of', 'answered_on') }}
    left join {{ ref('dim_customer_ids') }} as customers
        on responses.customer_source = customers.source and responses.customer_id = customers.customer_id
    left join {{ ref('int_survey_answers__rescaled') }} as answers
        on
            responses.source = answers.source
            and responses.response_id = answers.response_id
            and responses.question_id = answers.question_id
            and responses.known_on = answers.known_on
)

select * from facts
