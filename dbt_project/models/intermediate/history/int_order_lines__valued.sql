-- Grain: one row per version of an order line and stretch of days on which its product's prices and its rate stood.
-- What a line is worth in the reporting currency, what it cost, and whose it is. A line in another currency counts at
-- the rate of its day, a refund at that of the order it names; one without a rate waits for it and is not counted yet.
-- Who goes on from another night's table values what arrived since, and the lines of products, orders and rates that
-- did.
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
            union all
            select in_others.version_of
            from {{ ref('stg_orders') }} as in_others
            inner join {{ source('inputs', 'company') }} as company
                on in_others.currency <> company.currency
            left join {{ ref('int_refunded_orders__placed') }} as placed
                on
                    in_others.source = placed.source
                    and in_others.original_order_id = placed.order_id
                    and in_others.kind <> 'sale'
            semi join {{ source('inputs', 'arrived_exchange_rates') }} as rates
                on
                    in_others.currency = rates.currency
                    and {{ dbt.datediff(
                        'rates.' ~ adapter.quote('from'), 'coalesce(placed.ordered_on, in_others.ordered_on)', 'day'
                    ) }} between 0 and company.rate_days - 1
            union all
            select of_orders.version_of
            from {{ ref('stg_orders') }} as of_orders
            inner join {{ source('inputs', 'company') }} as company
                on of_orders.currency <> company.currency
            semi join {{ source('inputs', 'arrived_orders') }} as orders
                on of_orders.source = orders.source and of_orders.original_order_id = orders.order_id
        )
    {% endif %}
),

rated as (
    select
        lines.*,
        rates.exchange_rate,
        lines.currency <> company.currency as is_in_another,
        greatest(lines.known_on, placed.known_on, rates.known_on) as rated_from,
        least(lines.replaced_on, placed.replaced_on, rates.replaced_on) as rated_until
    from versions as lines
    cross join {{ source('inputs', 'company') }} as company
    left join {{ ref('int_refunded_orders__placed') }} as placed
        on
            lines.source = placed.source
            and lines.original_order_id = placed.order_id
            and lines.kind <> 'sale'
            and lines.currency <> company.currency
            and placed.known_on < {{ until('lines.replaced_on') }}
            and lines.known_on < {{ until('placed.replaced_on') }}
    left join {{ ref('int_exchange_rates__dated') }} as rates
        on
            lines.currency = rates.currency
            and coalesce(placed.ordered_on, lines.ordered_on) = rates.rate_on
            and rates.known_on < {{ until('least(lines.replaced_on, placed.replaced_on)') }}
            and greatest(lines.known_on, placed.known_on) < {{ until('rates.replaced_on') }}
),

lines as (
    select
        lines.*,
        customers.customer_key,
        coalesce(lines.category, products.category) as product_category,
        products.is_premium,
        {{ in_company_money('lines.original_amount', 'lines') }} as net_amount,
        case
            when lines.cost_amount is not null then {{ in_company_money('lines.cost_amount', 'lines') }}
            else {{ round_money('lines.quantity * products.unit_cost') }}
        end as line_cost_amount,
        case
            when lines.kind <> 'sale' then null
            when lines.list_price is null then {{ round_money('lines.quantity * products.list_price') }}
            when lines.is_in_another
                then {{ round_money(
                    'lines.quantity * cast('
                    ~ 'cast(lines.list_price as decimal(26, 4)) * lines.exchange_rate as decimal(28, 8))'
                ) }}
            else {{ round_money('lines.quantity * lines.list_price') }}
        end as list_amount,
        {{ in_company_money('coalesce(lines.discount_amount, 0)', 'lines') }} as line_discount_amount,
        greatest(lines.rated_from, products.known_on) as stands_from,  -- both ignore nulls
        least(lines.rated_until, products.replaced_on) as stands_until
    from rated as lines
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on lines.customer_source = customers.source and lines.customer_id = customers.customer_id
    left join {{ ref('int_products__costed') }} as products
        on
            lines.source = products.source
            and lines.product_id = products.product_id
            and products.known_on < {{ until('lines.rated_until') }}
            and lines.rated_from < {{ until('products.replaced_on') }}
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
        kind <> 'pending' and net_amount is not null as is_counted,
        status,
        product_category,
        is_premium,
        channel,
        is_rush,

        -- money
        original_amount,
        currency,
        case when is_in_another then exchange_rate else cast(1 as decimal(18, 8)) end as exchange_rate,
        quantity,
        net_amount,
        list_amount,
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
