-- Grain: one row per as_of, policy, version, basis and customer of the population with data for a part of the score.
-- Of the parts the dimensions, of these the value: weighted means of what has data, each rounded to 4 decimals. Where
-- the policy asks for it, a part without data counts as neutral.
with

neutral as (
    select *
    from {{ source('inputs', 'policy_score_parts') }}
    where neutral is not null
),

held as (  -- where a part without data counts: who has data for which parts
    select
        scored.as_of,
        scored.policy,
        scored.policy_version,
        scored.parts_version,
        scored.basis,
        scored.customer_key,
        list(scored.position) as positions,
        max(scored.coverage_total) as coverage_total
    from {{ ref('int_policy_parts__scored') }} as scored
    semi join neutral
        on scored.policy = neutral.policy and scored.parts_version = neutral.policy_version
    group by
        scored.as_of, scored.policy, scored.policy_version, scored.parts_version, scored.basis, scored.customer_key
),

earned as (
    select
        scored.as_of,
        scored.policy,
        scored.policy_version,
        scored.basis,
        scored.customer_key,
        scored.coverage_units,
        scored.coverage_total,
        parts.dimension,
        parts.dimension_weight,
        {{ in_units('parts.weight', 4) }} as weight,
        case  -- of 100 times the weight
            when scored.points is not null then {{ in_units('scored.points', 4) }} * 1000000
            else {{ in_units('scored.score', 4) }} * {{ in_units('parts.weight', 4) }}
        end as earned
    from {{ ref('int_policy_parts__scored') }} as scored
    inner join {{ source('inputs', 'policy_score_parts') }} as parts
        on
            scored.policy = parts.policy
            and scored.parts_version = parts.policy_version
            and scored.position = parts.position

    union all

    select
        held.as_of,
        held.policy,
        held.policy_version,
        held.basis,
        held.customer_key,
        0 as coverage_units,
        held.coverage_total,
        neutral.dimension,
        neutral.dimension_weight,
        {{ in_units('neutral.weight', 4) }} as weight,
        {{ in_units('neutral.neutral', 4) }} * {{ in_units('neutral.weight', 4) }} as earned
    from held
    inner join neutral
        on held.policy = neutral.policy and held.parts_version = neutral.policy_version
    where not list_contains(held.positions, neutral.position)
),

dimensions as (
    select
        as_of,
        policy,
        policy_version,
        basis,
        customer_key,
        dimension,
        {{ in_units('dimension_weight', 4) }} as dimension_weight,
        sum(coverage_units) as coverage_units,
        max(coverage_total) as coverage_total,
        {{ ratio_half_even('sum(earned)', 'sum(weight) * 10000', 4) }} as score
    from earned
    group by as_of, policy, policy_version, basis, customer_key, dimension, dimension_weight
),

weighted as (
    select
        as_of,
        policy,
        policy_version,
        basis,
        customer_key,
        {{ score_coverage() }} as coverage,
        {% for dimension in ['contribution', 'potential', 'loyalty'] %}
            max(case when dimension = '{{ dimension }}' then score end) as {{ dimension }}_score,
        {% endfor %}
        {{ ratio_half_even(
            'sum(' ~ in_units('score', 4) ~ ' * dimension_weight)', 'sum(dimension_weight) * 10000', 4
        ) }} as value_score
    from dimensions
    group by as_of, policy, policy_version, basis, customer_key
)

select * from weighted
