-- Grain: one row per as_of, policy, version, basis, part of a score and customer of the population with data for it.
-- Each value on its staircase; `points` where the part gives some.
with

scored as (
    select
        measured.as_of,
        measured.policy,
        measured.policy_version,
        measured.parts_version,
        measured.basis,
        measured.position,
        measured.customer_key,
        measured.value,
        measured.coverage_units,
        measured.coverage_total,
        case when curves.value = measured.value then curves.score else curves.score_above end as score,
        curves.points
    from {{ ref('int_policy_parts__measured') }} as measured
    asof inner join {{ ref('int_score_curves__drawn') }} as curves
        on
            measured.policy = curves.policy
            and measured.parts_version = curves.policy_version
            and measured.drawn_on = curves.as_of
            and measured.position = curves.position
            and measured.value >= curves.value
)

select * from scored
