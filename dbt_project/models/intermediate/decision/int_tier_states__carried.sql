-- Grain: one row per policy and customer that held something at the end of the day the run starts from.
with

carried as (
    select
        states.as_of,
        states.policy,
        states.policy_version,
        states.customer_key,
        states.tier,
        states.tier_rank,
        states.graded,
        states.reason,
        states.cause,
        states.decision_rows,
        states.is_limited_by_steps,
        states.tier_since,
        cast(null as decimal(18, 4)) as score,
        cast(null as bigint) as rank_position,
        cast(null as decimal(18, 4)) as gap_up,
        cast(null as decimal(18, 4)) as gap_down,
        cast(null as varchar) as from_tier,
        cast(null as varchar) as from_graded,
        false as is_new,
        false as is_change
    from {{ source('inputs', 'tier_states') }} as states
)

select * from carried
