-- Grain: one row per as_of, basis and customer who answered in the last 12 months.
-- One answer per respondent, question and wave counts: the latest. Where the question that stands for the whole was
-- answered, the others of its questionnaire do not count beside it; where it was left blank, they do.
with

linked as (
    select
        customers.customer_key,
        answers.source,
        answers.response_id,
        answers.question_id,
        answers.respondent_id,
        answers.wave,
        answers.rescaled_score,
        answers.stands_for_the_whole,
        answers.answered_at,
        answers.answered_on,
        answers.replaced_on,
        -- one that was known before its customer waited for them
        greatest(answers.known_on, customers.known_on) as known_on
    from {{ ref('int_survey_answers__rescaled') }} as answers
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on answers.customer_source = customers.source and answers.customer_id = customers.customer_id
),

answers as (
    select
        asked.as_of,
        asked.basis,
        linked.customer_key,
        linked.source,
        linked.respondent_id,
        linked.wave,
        linked.rescaled_score,
        linked.stands_for_the_whole,
        row_number() over (
            partition by
                asked.as_of, asked.basis, linked.customer_key, linked.source, linked.respondent_id, linked.question_id,
                linked.wave
            order by linked.answered_at desc, linked.response_id desc
        ) as recency_rank
    from linked
    inner join {{ ref('int_customers__asked') }} as asked
        on
            linked.customer_key = asked.customer_key
            and {{ stands_on('linked', 'asked.as_of', 'answered_on', 'asked.happened_by') }}
            and {{ within_days('linked.answered_on', 'asked.window_ends_on', 365) }}
),

latest as (
    select
        *,
        max(case when stands_for_the_whole then 1 else 0 end) over (
            partition by as_of, basis, customer_key, source, respondent_id, wave
        ) as answered_for_the_whole
    from answers
    where recency_rank = 1
),

responses as (
    select
        as_of,
        basis,
        customer_key,
        source,
        respondent_id,
        wave,
        sum(rescaled_score) as total_score,
        count(*) as answers
    from latest
    where stands_for_the_whole or answered_for_the_whole = 0
    group by as_of, basis, customer_key, source, respondent_id, wave
),

averaged as (
    select
        as_of,
        basis,
        customer_key,
        {{ ratio_half_even(in_units('sum(total_score)', 4), '(10000 * sum(answers))', 4) }} as satisfaction_12m,
        cast(count(*) as bigint) as responses_12m
    from responses
    group by as_of, basis, customer_key
)

select * from averaged
