-- Grain: one row per as_of, customer and day with a counted line. What a day's purchases came to.
-- A refund that names its order is netted on that order's day once the order is known; another on its own day.
with

lines as (
    select
        days.as_of,
        lines.customer_key,
        case
            when lines.kind <> 'sale' and lines.original_known_on <= days.as_of then lines.original_ordered_on
            else lines.ordered_on
        end as purchased_on,
        lines.net_amount
    from {{ ref('int_order_lines__valued') }} as lines
    inner join {{ source('inputs', 'run_days') }} as days
        on {{ stands_on('lines', 'days.as_of', 'ordered_on') }}
    where lines.is_counted
),

netted as (
    select
        as_of,
        customer_key,
        purchased_on,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount
    from lines
    group by as_of, customer_key, purchased_on
)

select * from netted
