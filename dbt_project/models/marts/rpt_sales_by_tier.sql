-- An order's tier is that of the last decided day before it, in the policy that was the primary one on that day.
with

lines as (
    select *
    from {{ ref('fct_orders') }}
    where is_counted
),

decided_before as (
    {{ decided_before(ref('fct_orders'), 'ordered_on') }}
),

credited as (
    select
        cast({{ dbt.date_trunc('month', 'lines.ordered_on') }} as date) as month_starts_on,
        decided_before.policy,
        lines.tier_at_order,
        count(distinct case when lines.kind = 'sale' then (lines.source, lines.order_id) end) as orders,
        count(distinct lines.customer_key) as customers,
        cast(sum(case when lines.kind = 'sale' then lines.net_amount else 0 end) as decimal(18, 2)) as sale_amount,
        cast(sum(case when lines.kind = 'sale' then 0 else lines.net_amount end) as decimal(18, 2)) as refund_amount,
        cast(sum(lines.net_amount) as decimal(18, 2)) as net_amount
    from lines
    left join decided_before
        on lines.ordered_on = decided_before.ordered_on
    group by month_starts_on, decided_before.policy, lines.tier_at_order
),

labelled as (
    select
        credited.month_starts_on,
        credited.policy,
        coalesce(credited.tier_at_order, 'No tier') as tier,
        tiers.tier_rank,
        credited.orders,
        credited.customers,
        credited.sale_amount,
        credited.refund_amount,
        credited.net_amount
    from credited
    left join {{ ref('rpt_tier_summary') }} as tiers
        on credited.policy = tiers.policy and credited.tier_at_order = tiers.tier
)

select * from labelled
