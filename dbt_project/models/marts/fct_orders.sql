{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ take_out('int_orders__moved', ['source', 'order_id']) }}"
) }}
-- depends_on: {{ ref('int_orders__moved') }}
-- `tier_at_order` never sees a decision that the order helped to make: it looks at the last decided day before.
with

days as (
    select {{ latest_day() }} as as_of
),

lines as (
    select lines.*
    from {{ ref('int_order_lines__valued') }} as lines
    inner join days
        on {{ stands_on('lines', 'days.as_of', 'ordered_on') }}
    {% if is_incremental() %}
        where (lines.source, lines.order_id) in (select source, order_id from {{ ref('int_orders__moved') }})
    {% endif %}
),

decided_before as (
    {{ decided_before(ref('int_order_lines__valued'), 'ordered_on') }}
),

facts as (
    select
        lines.source,
        lines.order_id,
        lines.line_id,
        lines.customer_key,
        lines.ordered_at,
        lines.ordered_on,
        lines.kind,
        lines.is_counted,
        lines.status,
        lines.original_order_id,
        lines.product_id,
        lines.product_category,
        lines.channel,
        lines.quantity,
        lines.original_amount,
        lines.currency,
        lines.exchange_rate,
        lines.net_amount,
        lines.list_amount,
        lines.cost_amount,
        lines.discount_amount,
        lines.known_on,
        tiers.tier as tier_at_order
    from lines
    left join decided_before
        on lines.ordered_on = decided_before.ordered_on
    left join {{ ref('tier_history') }} as tiers
        on {{ held_before('tiers', 'lines.customer_key') }}
)

select * from facts
