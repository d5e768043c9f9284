with

people as (
    select
        scores.*,
        in_force.policy_version
    from {{ ref('fct_customer_scores') }} as scores
    inner join {{ ref('int_policies__in_force') }} as in_force
        on scores.as_of = in_force.as_of and scores.policy = in_force.policy
),

parts as (
    select
        people.as_of,
        people.policy,
        people.customer_key,
        parts.position,
        parts.dimension,
        parts.measure,
        parts.scored_by,
        parts.neutral,
        scored.value,
        scored.score,
        scored.points,
        {{ in_units('parts.weight', 4) }} as weight,
        {{ in_units('parts.dimension_weight', 4) }} as dimension_weight,
        parts.coverage_units,
        parts.coverage_total,
        scored.value is not null or (parts.neutral is not null and people.value_score is not null) as counts
    from people
    inner join {{ source('inputs', 'policy_score_parts') }} as parts
        on people.policy = parts.policy and people.policy_version = parts.policy_version
    left join {{ ref('int_policy_parts__scored') }} as scored
        on
            people.as_of = scored.as_of
            and people.policy = scored.policy
            and people.policy_version = scored.policy_version
            and people.customer_key = scored.customer_key
            and parts.position = scored.position
            and scored.basis = 'day'
),

dimensions as (
    select
        policy,
        customer_key,
        dimension,
        dimension_weight,
        sum(weight) as weight
    from parts
    where counts
    group by policy, customer_key, dimension, dimension_weight
),

people_weighed as (
    select
        policy,
        customer_key,
        sum(dimension_weight) as dimension_weight
    from dimensions
    group by policy, customer_key
),

weighed as (  -- what is missing gives its weight to the others of its dimension, a missing dimension to the others
    select
        parts.as_of,
        parts.policy,
        parts.customer_key,
        cast(parts.position as bigint) as position,
        parts.dimension,
        parts.measure,
        parts.value,
        parts.scored_by,
        parts.points,
        case when parts.counts then coalesce(parts.score, parts.neutral) end as score,
        {{ ratio_half_even('parts.coverage_units', 'parts.coverage_total', 6) }} as weight,
        case
            when parts.counts
                then {{ ratio_half_even(
                    'parts.dimension_weight * parts.weight', 'people_weighed.dimension_weight * dimensions.weight', 6
                ) }}
            else 0
        end as weight_counted,
        parts.value is null as is_missing
    from parts
    left join dimensions
        on
            parts.policy = dimensions.policy
            and parts.customer_key = dimensions.customer_key
            and parts.dimension is not distinct from dimensions.dimension
    left join people_weighed
        on parts.policy = people_weighed.policy and parts.customer_key = people_weighed.customer_key
)

select * from weighed
