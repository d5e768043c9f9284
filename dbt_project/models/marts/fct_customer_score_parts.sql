-- Customers are many, and kinds of customers few: the weights are worked out once for all who have data for the same
-- parts.
with

in_force as (
    select
        as_of,
        policy,
        policy_version
    from {{ ref('int_policies__in_force') }}
    where as_of = {{ latest_day() }}
),

scored as (
    select
        in_force.as_of,
        scored.policy,
        scored.customer_key,
        scored.position,
        scored.value,
        scored.score,
        scored.points
    from {{ ref('int_policy_parts__scored') }} as scored
    inner join in_force
        on
            scored.as_of = in_force.as_of
            and scored.policy = in_force.policy
            and scored.policy_version = in_force.policy_version
    where scored.basis = 'day'
),

held as (
    select
        policy,
        customer_key,
        list_sort(list(position)) as positions
    from scored
    group by policy, customer_key
),

people as (
    select
        in_force.as_of,
        in_force.policy,
        in_force.policy_version,
        scores.customer_key,
        scores.value_score is not null as has_value,
        coalesce(held.positions, []) as positions
    from {{ ref('fct_customer_scores') }} as scores
    inner join in_force
        on scores.as_of = in_force.as_of and scores.policy = in_force.policy
    left join held
        on scores.policy = held.policy and scores.customer_key = held.customer_key
),

kinds as (
    select distinct
        policy,
        policy_version,
        has_value,
        positions
    from people
),

parts as (
    select
        kinds.*,
        parts.position,
        parts.dimension,
        parts.measure,
        parts.scored_by,
        parts.neutral,
        {{ in_units('parts.weight', 4) }} as weight,
        {{ in_units('parts.dimension_weight', 4) }} as dimension_weight,
        parts.coverage_units,
        parts.coverage_total,
        list_contains(kinds.positions, parts.position) as is_known,
        list_contains(kinds.positions, parts.position) or (parts.neutral is not null and kinds.has_value) as counts
    from kinds
    inner join {{ source('inputs', 'policy_score_parts') }} as parts
        on kinds.policy = parts.policy and kinds.policy_version = parts.policy_version
),

dimensions as (
    select
        policy,
        has_value,
        positions,
        dimension,
        dimension_weight,
        sum(weight) as weight
    from parts
    where counts
    group by policy, has_value, positions, dimension, dimension_weight
),

wholes as (
    select
        policy,
        has_value,
        positions,
        sum(dimension_weight) as dimension_weight
    from dimensions
    group by policy, has_value, positions
),

weighed as (  -- what is missing gives its weight to the others of its dimension, a missing dimension to the others
    select
        parts.*,
        {{ ratio_half_even('parts.coverage_units', 'parts.coverage_total', 6) }} as share,
        case
            when parts.counts
                then {{ ratio_half_even(
                    'parts.dimension_weight * parts.weight', 'wholes.dimension_weight * dimensions.weight', 6
                ) }}
            else 0
        end as share_counted
    from parts
    left join dimensions
        on
            parts.policy = dimensions.policy
            and parts.has_value = dimensions.has_value
            and parts.positions = dimensions.positions
            and parts.dimension is not distinct from dimensions.dimension
    left join wholes
        on
            parts.policy = wholes.policy
            and parts.has_value = wholes.has_value
            and parts.positions = wholes.positions
),

told as (
    select
        people.as_of,
        people.policy,
        people.customer_key,
        cast(weighed.position as bigint) as position,
        weighed.dimension,
        weighed.measure,
        scored.value,
        weighed.scored_by,
        scored.points,
        scored.score,
        weighed.share as weight,
        weighed.share_counted as weight_counted,
        false as is_missing
    from scored
    inner join people
        on scored.policy = people.policy and scored.customer_key = people.customer_key
    inner join weighed
        on
            people.policy = weighed.policy
            and people.has_value = weighed.has_value
            and people.positions = weighed.positions
            and scored.position = weighed.position

    union all

    select
        people.as_of,
        people.policy,
        people.customer_key,
        cast(weighed.position as bigint) as position,
        weighed.dimension,
        weighed.measure,
        null as value,
        weighed.scored_by,
        null as points,
        case when weighed.counts then weighed.neutral end as score,
        weighed.share as weight,
        weighed.share_counted as weight_counted,
        true as is_missing
    from people
    inner join weighed
        on
            people.policy = weighed.policy
            and people.has_value = weighed.has_value
            and people.positions = weighed.positions
    where not weighed.is_known
)

select * from told
