with

days as (
    select
        as_of,
        as_of = {{ latest_day() }} as is_latest
    from {{ source('inputs', 'run_days') }}
),

run as (
    select
        valued.* exclude (basis, window_ends_on, known_on, first_sale_on, first_purchased_on, last_purchased_on),
        valued.first_sale_on is null as is_prospect,
        days.is_latest
    from {{ ref('int_customers__measured') }} as valued
    inner join days
        on valued.as_of = days.as_of
    where
        valued.basis = 'day'
        and (days.is_latest or valued.as_of = {{ dbt.last_day('valued.as_of', 'month') }})
),

before as (
    select
        * exclude (is_latest),
        false as is_latest
    from {{ source('inputs', 'month_end_values') }}
),

valued as (
    select * from run
    union all by name
    select * from before
),

measured as (
    select
        as_of,
        customer_key,
        is_prospect,
        is_latest,
        {% for column in measures() %}
            {{ column }},
        {% endfor %}
        usual_category_12m,
        categories_12m,
        returned_share_12m,
        cost_to_serve_spread_12m,
        usual_gap_days,
        last_gap_days,
        value_margin,
        value_margin_of,
        as_of = {{ dbt.last_day('as_of', 'month') }} as is_month_end
    from valued
)

select * from measured
