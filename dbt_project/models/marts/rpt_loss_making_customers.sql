-- A customer whose cost is not known in full has no known loss, and is not here.
with

losing as (
    select
        as_of,
        customer_key,
        net_revenue_12m,
        gross_profit_12m,
        cast(rank() over (order by gross_profit_12m) as bigint) as loss_rank
    from {{ ref('fct_customer_value') }}
    where is_latest and gross_profit_12m < 0
),

products as (
    select
        losing.customer_key,
        orders.product_id,
        max(orders.product_category) as product_category,
        cast(sum(orders.net_amount) as decimal(18, 2)) as product_revenue,
        cast(sum(coalesce(orders.cost_amount, 0)) as decimal(18, 2)) as product_cost
    from losing
    inner join {{ ref('fct_orders') }} as orders
        on losing.customer_key = orders.customer_key
    where orders.is_counted and {{ within_days('orders.ordered_on', 'losing.as_of', 365) }}
    group by losing.customer_key, orders.product_id
),

ranked as (
    select
        *,
        product_revenue - product_cost as product_profit,
        cast(
            row_number() over (
                partition by customer_key order by product_revenue - product_cost, product_id nulls last
            ) as bigint
        ) as cause_rank
    from products
),

caused as (
    select
        losing.as_of,
        losing.customer_key,
        losing.loss_rank,
        losing.net_revenue_12m,
        losing.gross_profit_12m,
        ranked.cause_rank,
        ranked.product_id,
        ranked.product_category,
        ranked.product_revenue,
        ranked.product_cost,
        cast(ranked.product_profit as decimal(18, 2)) as product_profit
    from losing
    inner join ranked
        on losing.customer_key = ranked.customer_key
    where ranked.product_profit < 0 and ranked.cause_rank <= 3
)

select * from caused
