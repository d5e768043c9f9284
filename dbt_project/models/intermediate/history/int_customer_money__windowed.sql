-- Grain: one row per as_of, basis and customer with a counted line. Revenue, orders, cost and profit by window.
-- Money counts on the refund's own day; closed months do not move. Whether an order came to anything is judged with the
-- refunds that name it.
with

lines as (
    select
        asked.as_of,
        asked.basis,
        lines.customer_key,
        lines.source,
        case when lines.kind <> 'sale' then coalesce(lines.original_order_id, lines.order_id) else lines.order_id end
            as order_id,
        lines.kind = 'sale' as is_sale,
        lines.ordered_on,
        lines.net_amount,
        lines.cost_amount,
        lines.discount_amount,
        lines.list_amount,
        {{ within_days('lines.ordered_on', 'asked.window_ends_on', 365) }} as is_in_12m,
        {{ within_days('lines.ordered_on', 'asked.window_ends_on', 90) }} as is_in_90d,
        {{ dbt.datediff('lines.ordered_on', 'asked.window_ends_on', 'day') }} between 365 and 729 as is_in_12m_before,
        extract(year from lines.ordered_on) = extract(year from asked.window_ends_on) as is_in_ytd,
        extract(year from lines.ordered_on) = extract(year from asked.window_ends_on) - 1 as is_in_last_year
    from {{ ref('int_order_lines__valued') }} as lines
    inner join {{ ref('int_customers__asked') }} as asked
        on
            lines.customer_key = asked.customer_key
            and {{ stands_on('lines', 'asked.as_of', 'ordered_on', 'asked.happened_by') }}
    where lines.is_counted
),

orders as (
    select
        as_of,
        basis,
        customer_key,
        source,
        order_id,
        min(case when is_sale then ordered_on end) as first_sale_on,
        sum(case when is_in_12m then net_amount else 0 end) as revenue_12m,
        sum(case when is_in_90d then net_amount else 0 end) as revenue_90d,
        sum(case when is_in_ytd then net_amount else 0 end) as revenue_ytd,
        sum(case when is_in_last_year then net_amount else 0 end) as revenue_last_year,
        sum(case when is_in_12m_before then net_amount else 0 end) as revenue_12m_before,
        sum(case when is_in_12m then coalesce(cost_amount, 0) else 0 end) as cost_12m,
        sum(case when is_in_12m then discount_amount else 0 end) as discounts_12m,
        sum(case when is_in_12m then coalesce(list_amount, 0) else 0 end) as listed_12m,
        sum(case when is_in_12m and list_amount is not null then net_amount else 0 end) as paid_of_listed_12m,
        sum(case when is_in_12m and is_sale then net_amount else 0 end) as sales_12m,
        sum(case when is_in_12m and is_sale and cost_amount is not null then net_amount else 0 end) as costed_sales_12m,
        sum(case when is_in_12m and is_sale and cost_amount is null then 1 else 0 end) as uncosted_sale_lines_12m
    from lines
    group by as_of, basis, customer_key, source, order_id
),

windowed as (
    select
        as_of,
        basis,
        customer_key,
        min(first_sale_on) as first_sale_on,
        cast(sum(revenue_12m) as decimal(18, 2)) as revenue_12m,
        cast(sum(revenue_90d) as decimal(18, 2)) as revenue_90d,
        cast(sum(revenue_ytd) as decimal(18, 2)) as revenue_ytd,
        cast(sum(revenue_last_year) as decimal(18, 2)) as revenue_last_year,
        cast(sum(revenue_12m_before) as decimal(18, 2)) as revenue_12m_before,
        cast(sum(case when revenue_12m > 0 then 1 else 0 end) as bigint) as orders_12m,
        cast(sum(cost_12m) as decimal(18, 2)) as cost_12m,
        cast(sum(discounts_12m) as decimal(18, 2)) as discounts_12m,
        cast(sum(listed_12m) as decimal(18, 2)) as listed_12m,
        cast(sum(paid_of_listed_12m) as decimal(18, 2)) as paid_of_listed_12m,
        cast(sum(sales_12m) as decimal(18, 2)) as sales_12m,
        cast(sum(costed_sales_12m) as decimal(18, 2)) as costed_sales_12m,
        cast(sum(uncosted_sale_lines_12m) as bigint) as uncosted_sale_lines_12m
    from orders
    group by as_of, basis, customer_key
)

select * from windowed
