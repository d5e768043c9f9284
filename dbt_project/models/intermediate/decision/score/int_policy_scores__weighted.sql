-- Grain: one row per as_of, policy, version, basis and customer of the population with data for a part of the score.
-- Of the parts the dimensions, of these the value: weighted means of what has data, each rounded to 4 decimals. Where
-- the policy asks for it, a part without data counts as neutral.
with

covered as (
    select
        as_of,
        policy,
        policy_version,
        parts_version,
        basis,
        customer_key,
        {{ score_coverage() }} as coverage
    from {{ ref('int_policy_parts__scored') }}
    group by as_of, policy, policy_version, parts_version, basis, customer_key
),

earned as (
    select
        covered.as_of,
        covered.policy,
        covered.policy_version,
        covered.basis,
        covered.customer_key,
        covered.coverage,
        parts.dimension,
        parts.dimension_weight,
        {{ in_units('parts.weight', 4) }} as weight,
        case  -- of 100 times the weight
            when scored.points is not null then {{ in_units('scored.points', 4) }} * 1000000
            else {{ in_units('coalesce(scored.score, parts.neutral)', 4) }} * {{ in_units('parts.weight', 4) }}
        end as earned
    from covered
    inner join {{ source('inputs', 'policy_score_parts') }} as parts
        on covered.policy = parts.policy and covered.parts_version = parts.policy_version
    left join {{ ref('int_policy_parts__scored') }} as scored
        on
            covered.as_of = scored.as_of
            and covered.policy = scored.policy
            and covered.policy_version = scored.policy_version
            and covered.basis = scored.basis
            and covered.customer_key = scored.customer_key
            and parts.position = scored.position
    where scored.position is not null or parts.neutral is not null
),

dimensions as (
    select
        as_of,
        policy,
        policy_version,
        basis,
        customer_key,
        coverage,
        dimension,
        {{ in_units('dimension_weight', 4) }} as dimension_weight,
        {{ ratio_half_even('sum(earned)', 'sum(weight) * 10000', 4) }} as score
    from earned
    group by as_of, policy, policy_version, basis, customer_key, coverage, dimension, dimension_weight
),

weighted as (
    select
        as_of,
        policy,
        policy_version,
        basis,
        customer_key,
        coverage,
        {% for dimension in ['contribution', 'potential', 'loyalty'] %}
            max(case when dimension = '{{ dimension }}' then score end) as {{ dimension }}_score,
        {% endfor %}
        {{ ratio_half_even(
            'sum(' ~ in_units('score', 4) ~ ' * dimension_weight)', 'sum(dimension_weight) * 10000', 4
        ) }} as value_score
    from dimensions
    group by as_of, policy, policy_version, basis, customer_key, coverage
)

select * from weighted
