-- Grain: one row per as_of, basis, customer and day with a counted line. What a day's purchases came to.
-- A refund that names its order is netted on that order's day once the order is known; another on its own day.
with

undone_orders as (
    select distinct
        asked.as_of,
        asked.basis,
        asked.happened_by,
        refunds.source,
        refunds.original_order_id as order_id
    from {{ ref('int_order_lines__valued') }} as refunds
    inner join {{ ref('int_customers__asked') }} as asked
        on
            refunds.customer_key = asked.customer_key
            and {{ stands_on('refunds', 'asked.as_of', 'ordered_on', 'asked.happened_by') }}
    where refunds.is_counted and refunds.kind <> 'sale' and refunds.original_order_id is not null
),

originals as (  -- as they stand on each day: an order that is known or moved to another day later, is so later
    select
        undone_orders.as_of,
        undone_orders.basis,
        orders.source,
        orders.order_id,
        min(orders.ordered_on) as ordered_on
    from {{ ref('stg_orders') }} as orders
    inner join undone_orders
        on
            orders.source = undone_orders.source
            and orders.order_id = undone_orders.order_id
            and {{ stands_on('orders', 'undone_orders.as_of', 'ordered_on', 'undone_orders.happened_by') }}
    where orders.kind = 'sale'
    group by undone_orders.as_of, undone_orders.basis, orders.source, orders.order_id
),

netted as (
    select
        asked.as_of,
        asked.basis,
        lines.customer_key,
        coalesce(originals.ordered_on, lines.ordered_on) as purchased_on,
        cast(sum(lines.net_amount) as decimal(18, 2)) as net_amount
    from {{ ref('int_order_lines__valued') }} as lines
    inner join {{ ref('int_customers__asked') }} as asked
        on
            lines.customer_key = asked.customer_key
            and {{ stands_on('lines', 'asked.as_of', 'ordered_on', 'asked.happened_by') }}
    left join originals
        on
            asked.as_of = originals.as_of
            and asked.basis = originals.basis
            and lines.source = originals.source
            and case when lines.kind <> 'sale' then lines.original_order_id end = originals.order_id
    where lines.is_counted
    group by asked.as_of, asked.basis, lines.customer_key, coalesce(originals.ordered_on, lines.ordered_on)
)

select * from netted
