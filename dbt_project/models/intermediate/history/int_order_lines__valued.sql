-- Grain: one row per version of an order line and stretch of days on which its product's cost stood.
-- What a line is worth in the reporting currency, what it cost, and whose it is.
-- Who goes on from another night's table values what arrived since, and the lines of products that did.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
with

versions as (
    select *
    from {{ ref('stg_orders') }}
    {% if is_incremental() %}
        where version_of in (
            select arrived.version_of from {{ source('inputs', 'arrived_orders') }} as arrived
            union all
            select of_products.version_of
            from {{ ref('stg_orders') }} as of_products
            semi join {{ source('inputs', 'arrived_products') }} as products
                on of_products.source = products.source and of_products.product_id = products.product_id
        )
    {% endif %}
),

lines as (
    select
        lines.*,
        customers.customer_key,
        coalesce(lines.category, products.category) as product_category,
        lines.kind <> 'pending' as is_counted,
        {{ round_money('lines.original_amount') }} as net_amount,
        {{ round_money('coalesce(lines.cost_amount, lines.quantity * products.unit_cost)') }} as line_cost_amount,
        {{ round_money('coalesce(lines.discount_amount, 0)') }} as line_discount_amount,
        greatest(lines.known_on, products.known_on) as stands_from,  -- both ignore nulls
        least(lines.replaced_on, products.replaced_on) as stands_until
    from versions as lines
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on lines.customer_source = customers.source and lines.customer_id = customers.customer_id
    left join {{ ref('int_products__costed') }} as products
        on
            lines.source = products.source
            and lines.product_id = products.product_id
            and products.known_on < {{ until('lines.replaced_on') }}
            and lines.known_on < {{ until('products.replaced_on') }}
),

valued as (
    select
        -- ids
        customer_key,
        source,
        order_id,
        line_id,
        customer_source,
        customer_id,
        original_order_id,
        product_id,
        version_of,

        -- kinds
        kind,
        is_counted,
        status,
        product_category,
        channel,
        is_rush,

        -- money
        original_amount,
        currency,
        quantity,
        net_amount,
        -- what comes back costs less than nothing, however the source signs its quantities
        case when kind in ('refund', 'cancel') then -abs(line_cost_amount) else line_cost_amount end as cost_amount,
        case when kind in ('refund', 'cancel') then -abs(line_discount_amount) else abs(line_discount_amount) end
            as discount_amount,

        -- times
        ordered_at,
        ordered_on,
        stands_from as known_on,
        stands_until as replaced_on
    from lines
)

select * from valued
