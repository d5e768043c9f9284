-- NPS, CSAT and CES as they are published: never without the number of answers and an interval, and no figure below 30
-- answers. One answer per respondent and wave counts, the latest; a blank is asked, not answered.
{% set minimum_answers = 30 %}
with

days as (
    select {{ latest_day() }} as as_of
),

answers as (
    select
        days.as_of,
        responses.source,
        responses.instrument,
        responses.question_id,
        responses.dimension,
        coalesce(
            responses.wave,
            extract(year from responses.answered_on) || '-Q' || extract(quarter from responses.answered_on)
        ) as wave,
        coalesce(responses.respondent_id, responses.response_id) as respondent,
        responses.response_id,
        customers.customer_key,
        responses.answered_at,
        responses.answered_on,
        responses.scale_min,
        responses.scale_max,
        -- on a reversed scale the other end is the good one
        case responses.direction
            when 'lower_is_better' then responses.scale_min + responses.scale_max - responses.score
            else responses.score
        end as score
    from {{ ref('stg_survey_responses') }} as responses
    inner join days
        on {{ stands_on('responses', 'days.as_of', 'answered_on') }}
    left join {{ ref('dim_customer_ids') }} as customers
        on responses.customer_source = customers.source and responses.customer_id = customers.customer_id
),

latest as (
    select *
    from answers
    qualify
        row_number() over (
            partition by source, instrument, question_id, wave, respondent
            order by score is null, answered_at desc, response_id desc
        ) = 1
),

decided_before as (
    {{ decided_before('latest', 'answered_on') }}
),

tiered as (
    select
        latest.*,
        tiers.tier
    from latest
    left join decided_before
        on latest.answered_on = decided_before.answered_on
    left join {{ ref('tier_history') }} as tiers
        on {{ held_before('tiers', 'latest.customer_key') }}
),

grouped as (
    select
        'everybody' as grouped_by,
        * replace (cast(null as varchar) as tier)
    from tiered
    union all
    select
        'tier' as grouped_by,
        *
    from tiered
),

judged as (  -- what an answer adds to the figure, in hundredths: -100, 0 or 100; 0 or 100; or the answer itself
    select
        *,
        cast(
            case
                when score is null then null
                when instrument = 'nps' then case when score >= 9 then 100 when score <= 6 then -100 else 0 end
                when instrument = 'csat' then case when score >= scale_max - 1 then 100 else 0 end
                when instrument = 'ces' then score
                else (score - scale_min) * 100 / (scale_max - scale_min)
            end as decimal(18, 4)
        ) as adds
    from grouped
),

summed as (
    select
        as_of,
        source,
        instrument,
        question_id,
        any_value(dimension) as dimension,
        wave,
        grouped_by,
        tier,
        min(answered_on) as first_answered_on,
        max(answered_on) as last_answered_on,
        count(*) as asked,
        count(adds) as answers,
        count(distinct scale_min || ' to ' || scale_max) as scales,
        cast(sum(adds) as double) / count(adds) as mean,
        cast(sum(adds * adds) as double) / count(adds) as mean_square
    from judged
    group by as_of, source, instrument, question_id, wave, grouped_by, tier
),

published as (
    select
        as_of,
        source,
        instrument,
        question_id,
        dimension,
        wave,
        grouped_by,
        tier,
        first_answered_on,
        last_answered_on,
        answers,
        case when asked > answers then cast(cast(answers as double) / asked as decimal(18, 4)) end as response_rate,
        case
            when answers < {{ minimum_answers }} then 'fewer than {{ minimum_answers }} answers'
            when scales > 1 then 'the scale changed within the wave'
        end as withheld_because,
        case when withheld_because is null then cast(mean as decimal(18, 2)) end as score,
        case
            when withheld_because is null
                then cast(1.96 * sqrt((mean_square - mean * mean) / answers) as decimal(18, 2))
        end as plus_or_minus
    from summed
)

select * from published
