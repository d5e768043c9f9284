-- Grain: one row per as_of, basis and distinct purchase history. How many customers have it.
with

counted as (
    select
        as_of,
        basis,
        repeat_purchases,
        age_at_last_purchase_days,
        age_days,
        count(*) as customers
    from {{ ref('int_customers__valued') }}
    where age_days is not null
    group by as_of, basis, repeat_purchases, age_at_last_purchase_days, age_days
)

select * from counted
