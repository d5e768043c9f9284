with

sendable as (
    select
        ids.source,
        ids.customer_id,
        tiers.policy,
        tiers.as_of,
        tiers.customer_key,
        tiers.tier,
        tiers.tier_rank,
        labels.label_en,
        labels.label_zh,
        tiers.graded,
        tiers.tier_since,
        tiers.reason,
        tiers.score,
        tiers.gap_up,
        tiers.gap_down,
        tiers.policy_version
    from {{ ref('dim_customer_tiers') }} as tiers
    inner join {{ ref('dim_customer_ids') }} as ids
        on tiers.customer_key = ids.customer_key
    left join {{ ref('rpt_tier_summary') }} as labels
        on tiers.policy = labels.policy and tiers.tier = labels.tier
    where tiers.policy_status = 'active'
)

select * from sendable
