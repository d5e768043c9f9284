-- Grain: one row per as_of, customer and day with a counted line. What a day's purchases came to.
-- A refund that names its order is netted on that order's day once the order is known; another on its own day.
with

lines as (
    select
        days.as_of,
        lines.customer_key,
        lines.source,
        case when lines.kind <> 'sale' then lines.original_order_id end as undone_order_id,
        lines.ordered_on,
        lines.net_amount
    from {{ ref('int_order_lines__valued') }} as lines
    inner join {{ source('inputs', 'run_days') }} as days
        on {{ stands_on('lines', 'days.as_of', 'ordered_on') }}
    where lines.is_counted
),

undone_orders as (
    select distinct
        source,
        undone_order_id
    from lines
    where undone_order_id is not null
),

originals as (  -- as they stand on each day: an order that is known or moved to another day later, is so later
    select
        days.as_of,
        orders.source,
        orders.order_id,
        min(orders.ordered_on) as ordered_on
    from {{ ref('stg_orders') }} as orders
    inner join undone_orders
        on orders.source = undone_orders.source and orders.order_id = undone_orders.undone_order_id
    inner join {{ source('inputs', 'run_days') }} as days
        on {{ stands_on('orders', 'days.as_of', 'ordered_on') }}
    where orders.kind = 'sale'
    group by days.as_of, orders.source, orders.order_id
),

netted as (
    select
        lines.as_of,
        lines.customer_key,
        coalesce(originals.ordered_on, lines.ordered_on) as purchased_on,
        cast(sum(lines.net_amount) as decimal(18, 2)) as net_amount
    from lines
    left join originals
        on
            lines.as_of = originals.as_of
            and lines.source = originals.source
            and lines.undone_order_id = originals.order_id
    group by lines.as_of, lines.customer_key, coalesce(originals.ordered_on, lines.ordered_on)
)

select * from netted
