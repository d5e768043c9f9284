with

tiers as (
    select
        policies.as_of,
        policies.policy_status,
        policies.measure,
        tiers.*
    from {{ source('inputs', 'policy_tiers') }} as tiers
    inner join {{ ref('int_policies__in_force') }} as policies
        on tiers.policy = policies.policy and tiers.policy_version = policies.policy_version
    where policies.as_of = {{ latest_day() }}
),

lines as (  -- of a policy that ranks within groups, over all groups; several groups have no one line
    select
        tiers.policy,
        tiers.tier,
        sum(lines.eligible_customers) as eligible_customers,
        sum(lines.ranked_customers) as ranked_customers,
        case when tiers.rule_kind = 'top_share' then sum(lines.seats) end as seats,
        case when tiers.rule_kind <> 'all' and count(*) = 1 then max(lines.line_value) end as line_value
    from tiers
    inner join {{ ref('int_policy_lines__drawn') }} as lines
        on
            tiers.as_of = lines.as_of
            and tiers.policy = lines.policy
            and tiers.policy_version = lines.policy_version
            and tiers.tier = lines.tier
    where lines.counted_more = 0 and lines.position <= 1
    group by tiers.policy, tiers.tier, tiers.rule_kind
),

populations as (  -- the tier for all others is held against the policy's own measure
    select
        tiers.policy,
        lines.eligible_customers,
        lines.ranked_customers
    from lines
    inner join tiers
        on lines.policy = tiers.policy and lines.tier = tiers.tier
    where tiers.rule_kind = 'otherwise'
),

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

waiting as (
    select
        policy,
        wanted_tier as tier,
        count(*) as customers
    from {{ ref('int_tier_decisions__decided') }}
    where as_of = {{ latest_day() }} and wanted_tier is not null
    group by policy, wanted_tier
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
        tiers.as_of,
        tiers.policy,
        tiers.policy_version,
        tiers.policy_status,
        tiers.tier,
        cast(tiers.tier_rank as bigint) as tier_rank,
        tiers.label_en,
        tiers.label_zh,
        tiers.measure,
        tiers.rule_kind,
        tiers.share,
        tiers.bound,
        cast(lines.seats as bigint) as seats,
        tiers.seat_cap,
        lines.line_value,
        cast(coalesce(populations.eligible_customers, 0) as bigint) as eligible_customers,
        cast(coalesce(populations.ranked_customers, 0) as bigint) as ranked_customers,
        coalesce(counted.customers, 0) as customers,
        coalesce(counted.graded_customers, 0) as graded_customers,
        coalesce(counted.provisional_customers, 0) as provisional_customers,
        coalesce(waiting.customers, 0) as waiting_customers,
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
    from tiers
    left join lines
        on tiers.policy = lines.policy and tiers.tier = lines.tier
    left join populations
        on tiers.policy = populations.policy
    left join counted
        on tiers.policy = counted.policy and tiers.tier = counted.tier
    left join waiting
        on tiers.policy = waiting.policy and tiers.tier = waiting.tier
    left join totals
        on tiers.policy = totals.policy
)

select * from summarised
