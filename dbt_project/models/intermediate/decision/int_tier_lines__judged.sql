-- Grain: one row per as_of, policy, customer and tier whose rule the customer keeps that day. Who keeps a line may have
-- missed it within its band; who reaches it holds it as it is; who clears it passes it by the band. Where there is no
-- row the rule is missed. A tier by hand or for all others has no line and no row.
with

held_against as (
    select
        people.as_of,
        people.policy,
        people.customer_key,
        lines.tier,
        lines.tier_rank,
        people.is_eligible,
        case lines.condition_kind
            when 'top_share' then people.rank_position <= lines.seats
            when 'at_least' then people.score >= lines.bound
            when 'above' then people.score > lines.bound
        end as reaches,
        case lines.condition_kind
            when 'top_share' then people.rank_position <= lines.clear_rank
            when 'at_least' then people.score >= lines.clear_bound
            when 'above' then people.score > lines.clear_bound
        end as clears
    from {{ ref('int_policy_measures__ranked') }} as people
    inner join {{ ref('int_policies__in_force') }} as in_force
        on
            people.as_of = in_force.as_of
            and people.policy = in_force.policy
            and people.policy_version = in_force.policy_version
    inner join {{ ref('int_policy_lines__drawn') }} as lines
        on
            people.as_of = lines.as_of
            and people.policy = lines.policy
            and people.policy_version = lines.policy_version
            and people.measure = lines.measure
            and people.group_name = lines.group_name
            and lines.counted_more = 0
            and lines.position > 0
    where
        people.graded <> 'not_graded'
        and case lines.condition_kind  -- for missing, an equal newcomer pushes nobody out
            when 'top_share' then people.score > 0 and people.better + 1 <= lines.miss_rank
            when 'at_least' then people.score >= lines.miss_bound
            when 'above' then people.score > lines.miss_bound
        end
),

conditions as (
    select
        in_force.as_of,
        conditions.policy,
        conditions.tier,
        count(*) as conditions
    from {{ source('inputs', 'policy_conditions') }} as conditions
    inner join {{ ref('int_policies__in_force') }} as in_force
        on conditions.policy = in_force.policy and conditions.policy_version = in_force.policy_version
    group by in_force.as_of, conditions.policy, conditions.tier
),

judged as (
    select
        held_against.as_of,
        held_against.policy,
        held_against.customer_key,
        held_against.tier,
        held_against.tier_rank,
        bool_and(held_against.reaches) as reaches,
        bool_and(coalesce(held_against.clears, false)) and bool_and(held_against.is_eligible) as clears
    from held_against
    inner join conditions
        on
            held_against.as_of = conditions.as_of
            and held_against.policy = conditions.policy
            and held_against.tier = conditions.tier
    group by
        held_against.as_of,
        held_against.policy,
        held_against.customer_key,
        held_against.tier,
        held_against.tier_rank,
        conditions.conditions
    having count(*) = conditions.conditions
)

select * from judged
