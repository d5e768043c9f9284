with

people as (
    select
        tiers.policy,
        tiers.tier,
        tiers.graded,
        tiers.policy_version,
        tiers.policy_status,
        valued.net_revenue_12m
    from {{ ref('dim_customer_tiers') }} as tiers
    inner join {{ ref('fct_customer_value') }} as valued
        on tiers.as_of = valued.as_of and tiers.customer_key = valued.customer_key
),

counted as (
    select
        policy,
        tier,
        count(*) as customers,
        count(*) filter (where graded = 'graded') as graded_customers,
        count(*) filter (where graded = 'provisional') as provisional_customers,
        cast(sum(net_revenue_12m) as decimal(18, 2)) as net_revenue_12m
    from people
    group by policy, tier
),

totals as (
    select
        policy,
        count(*) as customers,
        cast(sum(net_revenue_12m) as decimal(18, 2)) as net_revenue_12m
    from people
    group by policy
),

summarised as (
    select
        lines.as_of,
        lines.policy,
        policies.policy_version,
        policies.policy_status,
        lines.tier,
        lines.tier_rank,
        lines.label_en,
        lines.label_zh,
        policies.measure,
        lines.rule_kind,
        lines.share,
        lines.bound,
        lines.seats,
        lines.line_value,
        lines.eligible_customers,
        lines.ranked_customers,
        coalesce(counted.customers, 0) as customers,
        coalesce(counted.graded_customers, 0) as graded_customers,
        coalesce(counted.provisional_customers, 0) as provisional_customers,
        coalesce(counted.net_revenue_12m, 0) as net_revenue_12m,
        case
            when totals.customers > 0
                then {{ ratio_half_even('coalesce(counted.customers, 0)', 'totals.customers', 4) }}
        end as customer_share,
        case
            when totals.net_revenue_12m > 0
                then {{ ratio_half_even(
                    in_units('coalesce(counted.net_revenue_12m, 0)', 2), in_units('totals.net_revenue_12m', 2), 4
                ) }}
        end as revenue_share
    from {{ ref('int_policy_lines__drawn') }} as lines
    inner join {{ source('inputs', 'policies') }} as policies
        on lines.policy = policies.policy
    left join counted
        on lines.policy = counted.policy and lines.tier = counted.tier
    left join totals
        on lines.policy = totals.policy
    where lines.as_of = {{ latest_day() }}
)

select * from summarised
