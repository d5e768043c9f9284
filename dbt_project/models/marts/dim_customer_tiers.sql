with

latest as (
    select
        decided.as_of,
        decided.policy,
        decided.policy_version,
        policies.policy_status,
        decided.customer_key,
        decided.tier,
        decided.tier_rank,
        decided.graded,
        decided.reason,
        decided.cause,
        decided.decision_rows,
        decided.is_limited_by_steps,
        decided.tier_since,
        decided.score,
        decided.rank_position,
        decided.gap_up,
        decided.gap_down
    from {{ ref('int_tier_decisions__decided') }} as decided
    inner join {{ ref('int_policies__in_force') }} as policies
        on decided.policy = policies.policy and decided.as_of = policies.as_of
    where decided.as_of = {{ latest_day() }} and decided.reason <> 'left_population'
)

select * from latest
