-- Grain: one row per source, order that a refund in another currency names, and stretch of days on which its day stood.
-- While the order is not known, or no longer, it has no day.
with

named as (
    select distinct
        refunds.source,
        refunds.original_order_id as order_id
    from {{ ref('stg_orders') }} as refunds
    inner join {{ source('inputs', 'company') }} as company
        on refunds.currency <> company.currency
    where refunds.kind <> 'sale' and refunds.original_order_id is not null
),

originals as (
    select
        orders.source,
        orders.order_id,
        orders.ordered_on,
        orders.known_on,
        orders.replaced_on
    from {{ ref('stg_orders') }} as orders
    inner join named
        on orders.source = named.source and orders.order_id = named.order_id
    where orders.kind = 'sale'
),

turns as (
    {{ turns_of('originals', ['source', 'order_id']) }}
),

placed as (
    select
        turns.source,
        turns.order_id,
        min(originals.ordered_on) as ordered_on,
        turns.known_on,
        turns.replaced_on
    from turns
    left join originals
        on
            turns.source = originals.source
            and turns.order_id = originals.order_id
            and {{ stands_on('originals', 'turns.known_on') }}
    group by turns.source, turns.order_id, turns.known_on, turns.replaced_on
)

select * from placed
