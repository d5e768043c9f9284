-- Money counts in the month of the refund itself, so the months of a customer sum to its revenue.
with

orders as (
    select
        cast({{ dbt.date_trunc('month', 'ordered_on') }} as date) as month_starts_on,
        customer_key,
        source,
        order_id,
        max(case when kind = 'sale' then 1 else 0 end) as is_sale,
        sum(net_amount) as net_amount,
        sum(case when kind = 'sale' then 0 else net_amount end) as refunded,
        sum(coalesce(cost_amount, 0)) as cost_amount,
        sum(case when kind = 'sale' and cost_amount is null then 1 else 0 end) as uncosted_lines
    from {{ ref('fct_orders') }}
    where is_counted
    group by month_starts_on, customer_key, source, order_id
),

bought as (
    select
        month_starts_on,
        customer_key,
        cast(sum(is_sale) as bigint) as orders,
        cast(sum(net_amount) as decimal(18, 2)) as net_revenue,
        cast(sum(refunded) as decimal(18, 2)) as refunded,
        cast(case when sum(uncosted_lines) = 0 then sum(net_amount) - sum(cost_amount) end as decimal(18, 2))
            as gross_profit
    from orders
    group by month_starts_on, customer_key
),

said as (
    select
        cast({{ dbt.date_trunc('month', 'occurred_on') }} as date) as month_starts_on,
        customer_key,
        cast(count(*) as bigint) as interactions,
        cast(count(case when kind = 'complaint' then 1 end) as bigint) as complaints
    from {{ ref('fct_interactions') }}
    where customer_key is not null
    group by month_starts_on, customer_key
),

months as (
    select
        coalesce(bought.month_starts_on, said.month_starts_on) as month_starts_on,
        coalesce(bought.customer_key, said.customer_key) as customer_key,
        coalesce(bought.orders, 0) as orders,
        coalesce(bought.net_revenue, 0) as net_revenue,
        coalesce(bought.refunded, 0) as refunded,
        case when bought.customer_key is null then 0 else bought.gross_profit end as gross_profit,
        coalesce(said.interactions, 0) as interactions,
        coalesce(said.complaints, 0) as complaints
    from bought
    full outer join said
        on bought.month_starts_on = said.month_starts_on and bought.customer_key = said.customer_key
),

decided_before as (
    {{ decided_before('months', 'month_starts_on') }}
),

facts as (
    select
        months.month_starts_on,
        months.customer_key,
        tiers.tier as tier_before,
        months.orders,
        months.net_revenue,
        months.refunded,
        cast(months.gross_profit as decimal(18, 2)) as gross_profit,
        months.interactions,
        months.complaints
    from months
    left join decided_before
        on months.month_starts_on = decided_before.month_starts_on
    left join {{ ref('tier_history') }} as tiers
        on {{ held_before('tiers', 'months.customer_key') }}
)

select * from facts
