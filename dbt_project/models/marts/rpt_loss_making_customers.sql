-- A customer whose cost is not known in full has no known loss, and is not here. Where nobody knows what serving costs,
-- the loss is that of the gross profit.
with

losing as (
    select
        as_of,
        customer_key,
        net_revenue_12m,
        gross_profit_12m,
        contribution_12m,
        cost_to_serve_12m,
        cast(rank() over (order by coalesce(contribution_12m, gross_profit_12m)) as bigint) as loss_rank
    from {{ ref('fct_customer_value') }}
    where is_latest and coalesce(contribution_12m, gross_profit_12m) < 0
),

lines as (
    select
        losing.customer_key,
        orders.product_id,
        orders.product_category,
        orders.net_amount,
        coalesce(orders.cost_amount, 0) as cost_amount,
        orders.discount_amount
    from losing
    inner join {{ ref('fct_orders') }} as orders
        on losing.customer_key = orders.customer_key
    where orders.is_counted and {{ within_days('orders.ordered_on', 'losing.as_of', 365) }}
),

causes as (
    select
        customer_key,
        'product' as cause_kind,
        product_id,
        max(product_category) as product_category,
        cast(sum(net_amount) as decimal(18, 2)) as product_revenue,
        cast(sum(cost_amount) as decimal(18, 2)) as product_cost,
        cast(sum(net_amount) - sum(cost_amount) as decimal(18, 2)) as cause_amount
    from lines
    group by customer_key, product_id

    union all by name

    select
        customer_key,
        'discounts' as cause_kind,
        cast(-sum(discount_amount) as decimal(18, 2)) as cause_amount
    from lines
    group by customer_key

    union all by name

    select
        customer_key,
        'service' as cause_kind,
        cast(-cost_to_serve_12m as decimal(18, 2)) as cause_amount
    from losing
),

ranked as (
    select
        *,
        cast(
            row_number() over (
                partition by customer_key order by cause_amount asc, cause_kind asc, product_id asc nulls last
            ) as bigint
        ) as cause_rank
    from causes
    where cause_amount < 0
),

caused as (
    select
        losing.as_of,
        losing.customer_key,
        losing.loss_rank,
        losing.net_revenue_12m,
        losing.gross_profit_12m,
        losing.contribution_12m,
        ranked.cause_rank,
        ranked.cause_kind,
        ranked.product_id,
        ranked.product_category,
        ranked.product_revenue,
        ranked.product_cost,
        ranked.cause_amount
    from losing
    inner join ranked
        on losing.customer_key = ranked.customer_key
    where ranked.cause_rank <= 3
)

select * from caused
