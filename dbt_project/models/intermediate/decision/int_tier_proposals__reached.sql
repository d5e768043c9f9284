-- Grain: one row per as_of, policy and customer of its population. The tier that the day's measures alone reach.
-- A customer reaches the first tier from the top whose rule holds.
with

reached as (
    select
        people.as_of,
        people.policy,
        people.customer_key,
        min(lines.tier_rank) as tier_rank
    from {{ ref('int_policy_populations__ranked') }} as people
    inner join {{ ref('int_policy_lines__drawn') }} as lines
        on people.as_of = lines.as_of and people.policy = lines.policy
    where
        people.graded <> 'not_graded'
        and case lines.rule_kind
            when 'top_share' then people.score > 0 and people.rank_position <= lines.seats
            when 'at_least' then people.score >= lines.bound
            when 'above' then people.score > lines.bound
            when 'otherwise' then true
        end
    group by people.as_of, people.policy, people.customer_key
),

proposed as (
    select
        people.as_of,
        people.policy,
        people.policy_version,
        people.customer_key,
        held.tier,
        held.tier_rank,
        people.graded,
        case people.graded when 'graded' then 'reached' else people.graded end as reason,
        case people.graded when 'graded' then '5' else '3' end as decision_rows,
        people.score,
        people.rank_position,
        {{ measure_step('policies.measure') }} as step,
        held.rule_kind as held_rule_kind,
        held.bound as held_bound,
        case when people.is_eligible then held.value_behind_line else held.line_value end as held_line_value,
        higher.rule_kind as higher_rule_kind,
        higher.bound as higher_bound,
        higher.line_value as higher_line_value
    from {{ ref('int_policy_populations__ranked') }} as people
    inner join {{ source('inputs', 'policies') }} as policies
        on people.policy = policies.policy
    left join reached
        on
            people.as_of = reached.as_of
            and people.policy = reached.policy
            and people.customer_key = reached.customer_key
    left join {{ ref('int_policy_lines__drawn') }} as held
        on people.as_of = held.as_of and people.policy = held.policy and reached.tier_rank = held.tier_rank
    left join {{ ref('int_policy_lines__drawn') }} as higher
        on people.as_of = higher.as_of and people.policy = higher.policy and reached.tier_rank - 1 = higher.tier_rank
),

explained as (
    select
        as_of,
        policy,
        policy_version,
        customer_key,
        tier,
        tier_rank,
        graded,
        reason,
        decision_rows,
        score,
        rank_position,
        case higher_rule_kind  -- how much the measure must rise, others unchanged, to reach the next higher tier
            when 'at_least' then higher_bound - score
            when 'above' then higher_bound - score + step
            when 'top_share' then higher_line_value - score + step  -- past who stands at the last seat
        end as gap_up,
        case held_rule_kind  -- how far it may fall before the tier held is missed
            when 'at_least' then score - held_bound
            when 'above' then score - held_bound
            when 'top_share' then score - held_line_value
        end as gap_down
    from proposed
)

select * from explained
