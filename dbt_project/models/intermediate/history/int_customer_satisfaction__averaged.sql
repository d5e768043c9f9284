-- Grain: one row per as_of and customer who answered in the last 12 months.
-- One answer per respondent, question and wave counts: the latest. Where the question that stands for the whole was
-- answered, the others of its questionnaire do not count beside it; where it was left blank, they do.
with

answers as (
    select
        days.as_of,
        customers.customer_key,
        answers.source,
        answers.respondent_id,
        answers.wave,
        answers.rescaled_score,
        answers.stands_for_the_whole,
        row_number() over (
            partition by
                days.as_of, customers.customer_key, answers.source, answers.respondent_id, answers.question_id,
                answers.wave
            order by answers.answered_at desc, answers.response_id desc
        ) as recency_rank
    from {{ ref('int_survey_answers__rescaled') }} as answers
    inner join {{ source('inputs', 'run_days') }} as days
        on
            {{ stands_on('answers', 'days.as_of') }}
            and {{ within_days('answers.answered_on', 'days.as_of', 365) }}
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on
            answers.customer_source = customers.source
            and answers.customer_id = customers.customer_id
            and days.as_of >= customers.known_on
),

latest as (
    select
        *,
        max(case when stands_for_the_whole then 1 else 0 end) over (
            partition by as_of, customer_key, source, respondent_id, wave
        ) as answered_for_the_whole
    from answers
    where recency_rank = 1
),

responses as (
    select
        as_of,
        customer_key,
        source,
        respondent_id,
        wave,
        sum(rescaled_score) as total_score,
        count(*) as answers
    from latest
    where stands_for_the_whole or answered_for_the_whole = 0
    group by as_of, customer_key, source, respondent_id, wave
),

averaged as (
    select
        as_of,
        customer_key,
        {{ ratio_half_even(in_units('sum(total_score)', 4), '(10000 * sum(answers))', 4) }} as satisfaction_12m,
        cast(count(*) as bigint) as responses_12m
    from responses
    group by as_of, customer_key
)

select * from averaged
