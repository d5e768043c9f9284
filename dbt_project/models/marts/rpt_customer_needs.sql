-- What each customer looks for, by signs of the last 12 months: which are known, for what they speak, and what follows.
-- A sign that is not known says nothing; it is neither for price nor for value.
{% set signs = [
    'discounted_share', 'price_index', 'premium_share', 'categories', 'returned_share', 'price_satisfaction'
] %}
{% set paid_of_list = ratio_half_even(in_units('paid_by_others', 2), in_units('list_of_others', 2), 8) %}
with

people as (
    select
        as_of,
        customer_key,
        categories_12m as categories,
        returned_share_12m as returned_share
    from {{ ref('fct_customer_value') }}
    where is_latest
),

beside_others as (  -- in a band in which nobody else bought nothing is usual
    select
        *,
        sum(paid_amount) over (partition by quantity_from) - paid_amount as paid_by_others,
        sum(list_amount) over (partition by quantity_from) - list_amount as list_of_others
    from {{ ref('int_customer_prices__banded') }}
),

compared as (
    select
        customer_key,
        quantity_from,
        purchases,
        discounted_purchases,
        premium_amount,
        graded_amount,
        case when list_of_others > 0 then purchases end as compared_purchases,
        case when list_of_others > 0 then paid_amount end as paid_amount,
        case when list_of_others > 0 then cast(list_amount as decimal(28, 2)) * {{ paid_of_list }} end as usual_amount
    from beside_others
),

paid as (
    select
        customer_key,
        sum(purchases) as purchases,
        sum(case when quantity_from = 1 then purchases else 0 end) as purchases_of_few,
        sum(case when quantity_from = 1 then discounted_purchases else 0 end) as discounted_purchases_of_few,
        sum(compared_purchases) as compared_purchases,
        sum(paid_amount) as paid_amount,
        {{ round_money('sum(usual_amount)') }} as usual_amount,
        sum(premium_amount) as premium_amount,
        sum(graded_amount) as graded_amount
    from compared
    group by customer_key
),

asked_about_price as (  -- one answer per respondent, question and wave counts: the latest
    select
        customers.customer_key,
        answers.rescaled_score,
        row_number() over (
            partition by
                customers.customer_key, answers.source, answers.respondent_id, answers.question_id, answers.wave
            order by answers.answered_at desc, answers.response_id desc
        ) as recency_rank
    from {{ ref('int_survey_answers__rescaled') }} as answers
    inner join {{ ref('dim_customer_ids') }} as customers
        on answers.customer_source = customers.source and answers.customer_id = customers.customer_id
    where
        answers.dimension = 'price'
        and {{ stands_on('answers', latest_day(), 'answered_on') }}
        and {{ within_days('answers.answered_on', latest_day(), 365) }}
),

answered as (
    select
        customer_key,
        {{ ratio_half_even(in_units('sum(rescaled_score)', 4), '(10000 * count(*))', 4) }} as price_satisfaction
    from asked_about_price
    where recency_rank = 1
    group by customer_key
),

known as (
    select
        people.as_of,
        people.customer_key,
        paid.purchases,
        case
            when paid.purchases_of_few >= rules.minimum_purchases
                then {{ ratio_half_even('paid.discounted_purchases_of_few', 'paid.purchases_of_few', 4) }}
        end as discounted_share,
        case
            when paid.compared_purchases >= rules.minimum_purchases and paid.usual_amount > 0
                then {{ ratio_half_even(in_units('paid.paid_amount', 2), in_units('paid.usual_amount', 2), 4) }}
        end as price_index,
        case
            when paid.graded_amount > 0
                then {{ ratio_half_even(in_units('paid.premium_amount', 2), in_units('paid.graded_amount', 2), 4) }}
        end as premium_share,
        people.categories,
        people.returned_share,
        answered.price_satisfaction
    from people
    cross join {{ source('inputs', 'need_rules') }} as rules
    left join paid
        on people.customer_key = paid.customer_key
    left join answered
        on people.customer_key = answered.customer_key
),

signs as (
    {% for sign in signs %}
        select
            customer_key,
            '{{ sign }}' as sign,
            cast({{ sign }} as decimal(18, 4)) as told
        from known
        where {{ sign }} is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

heard as (
    select
        signs.customer_key,
        count(*) as known_signs,
        count(*) filter (where signs.told >= speaks.price_at_least or signs.told <= speaks.price_at_most) as for_price,
        count(*) filter (where signs.told >= speaks.value_at_least or signs.told <= speaks.value_at_most) as for_value
    from signs
    inner join {{ source('inputs', 'need_signs') }} as speaks
        on signs.sign = speaks.sign
    group by signs.customer_key
),

judged as (
    select
        known.*,
        coalesce(heard.known_signs, 0) as known_signs,
        coalesce(heard.for_price, 0) as signs_for_price,
        coalesce(heard.for_value, 0) as signs_for_value,
        case
            when coalesce(heard.known_signs, 0) < rules.minimum_signs or heard.for_price + heard.for_value = 0
                then 'unknown'
            when heard.for_price >= rules.majority * (heard.for_price + heard.for_value) then 'price_oriented'
            when heard.for_value >= rules.majority * (heard.for_price + heard.for_value) then 'value_oriented'
            else 'composite'
        end as need
    from known
    cross join {{ source('inputs', 'need_rules') }} as rules
    left join heard
        on known.customer_key = heard.customer_key
),

needs as (
    select
        as_of,
        customer_key,
        need,
        case
            when need <> 'unknown'
                then {{ ratio_half_even(
                    "case need when 'price_oriented' then signs_for_price when 'value_oriented' then signs_for_value"
                    ~ ' else signs_for_price + signs_for_value end',
                    '(select count(*) from ' ~ source('inputs', 'need_signs') ~ ')',
                    4
                ) }}
        end as confidence,
        known_signs,
        signs_for_price,
        signs_for_value,
        cast(purchases as bigint) as listed_purchases_12m,
        discounted_share,
        price_index,
        premium_share,
        categories,
        returned_share,
        price_satisfaction
    from judged
)

select * from needs
