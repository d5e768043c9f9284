-- Grain: one row per as_of, basis and customer of whom something is forecast. What they will buy in the 365 days to
-- come. What a purchase comes to is the mean of the customer and of everybody, by how often the customer bought again
-- (Gamma-Gamma); what of it is left is the customer's own margin, where all costs are known, else that of the category
-- they buy most of, else the company's.
with

asked as (  -- what was known before is held against the model that held before
    select
        restated.as_of,
        restated.basis,
        restated.customer_key,
        restated.repeat_purchases,
        restated.age_at_last_purchase_days,
        restated.age_days,
        coalesce(restated.average_repeat_amount, 0) as average_repeat_amount,
        restated.gross_profit_12m,
        restated.net_revenue_12m,
        restated.usual_category_12m,
        case when restated.basis = 'corrected' then in_force.previous_as_of else in_force.as_of end as model_as_of
    from {{ ref('int_customers__restated') }} as restated
    inner join {{ ref('int_value_models__in_force') }} as in_force
        on restated.as_of = in_force.as_of
    where restated.age_days is not null
),

forecast as (
    select
        asked.as_of,
        asked.basis,
        asked.customer_key,
        models.model_id,
        scores.probability_alive,
        scores.expected_purchases_12m,
        scores.discounted_purchases_12m,
        cast(
            models.p * (models.v + asked.repeat_purchases * cast(asked.average_repeat_amount as double))
            / (models.p * asked.repeat_purchases + models.q - 1) as decimal(18, 2)
        ) as expected_amount,
        case
            when asked.gross_profit_12m is not null and asked.net_revenue_12m > 0
                then {{ ratio_half_even(
                    in_units('asked.gross_profit_12m', 2), in_units('asked.net_revenue_12m', 2), 4
                ) }}
        end as own_margin,
        margins.margin as category_margin,
        models.margin as company_margin
    from asked
    inner join {{ ref('int_value_models__in_force') }} as models
        on asked.model_as_of = models.as_of
    inner join {{ source('inputs', 'value_cell_scores') }} as scores
        on
            models.model_id = scores.model_id
            and asked.repeat_purchases = scores.repeat_purchases
            and asked.age_at_last_purchase_days = scores.age_at_last_purchase_days
            and asked.age_days = scores.age_days
    left join {{ source('inputs', 'model_margins') }} as margins
        on models.model_id = margins.model_id and asked.usual_category_12m = margins.category
),

predicted as (
    select
        as_of,
        basis,
        customer_key,
        model_id,
        probability_alive,
        expected_purchases_12m,
        expected_amount,
        coalesce(own_margin, category_margin, company_margin) as value_margin,
        case
            when own_margin is not null then 'customer'
            when category_margin is not null then 'category'
            when company_margin is not null then 'company'
        end as value_margin_of,
        {{ round_money(
            'cast(discounted_purchases_12m as decimal(12, 4)) * cast(expected_amount as decimal(14, 2))'
            ~ ' * cast(coalesce(own_margin, category_margin, company_margin) as decimal(10, 4))'
        ) }} as customer_value_12m
    from forecast
)

select * from predicted
