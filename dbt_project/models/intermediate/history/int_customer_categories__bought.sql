-- Grain: one row per as_of, basis and customer who bought of a known category in the last 12 months.
-- The one they spend most on, and how many they buy of.
with

bought as (
    select
        asked.as_of,
        asked.basis,
        lines.customer_key,
        lines.product_category,
        sum(lines.net_amount) as net_amount
    from {{ ref('int_order_lines__valued') }} as lines
    inner join {{ ref('int_customers__asked') }} as asked
        on
            lines.customer_key = asked.customer_key
            and {{ stands_on('lines', 'asked.as_of', 'ordered_on', 'asked.happened_by') }}
            and {{ within_days('lines.ordered_on', 'asked.window_ends_on', 365) }}
    where lines.is_counted and lines.product_category is not null
    group by asked.as_of, asked.basis, lines.customer_key, lines.product_category
),

placed as (  -- of two as large the one that is first in the alphabet
    select
        *,
        row_number() over (
            partition by as_of, basis, customer_key order by net_amount desc, product_category asc
        ) as place
    from bought
),

compared as (
    select
        as_of,
        basis,
        customer_key,
        cast(sum(case when net_amount > 0 then 1 else 0 end) as bigint) as categories_12m,
        max(case when place = 1 and net_amount > 0 then product_category end) as usual_category_12m
    from placed
    group by as_of, basis, customer_key
)

select * from compared
