-- Grain: one row per as_of, basis and customer. Everything a policy may measure: what was, and what is forecast.
{{ config(materialized='view') }}
with

measured as (
    select
        restated.*,
        predicted.probability_alive,
        predicted.expected_purchases_12m,
        predicted.customer_value_12m,
        predicted.value_margin,
        predicted.value_margin_of
    from {{ ref('int_customers__restated') }} as restated
    left join {{ ref('int_customers__predicted') }} as predicted
        on
            restated.as_of = predicted.as_of
            and restated.basis = predicted.basis
            and restated.customer_key = predicted.customer_key
)

select * from measured
