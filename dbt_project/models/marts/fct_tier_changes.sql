-- Becoming graded is no change of tier: a provisional customer was only waiting to be graded.
with

changes as (
    select
        as_of,
        policy,
        customer_key,
        from_tier,
        tier as to_tier,
        from_graded,
        graded as to_graded,
        reason,
        cause,
        decision_rows,
        is_limited_by_steps,
        changed_from,
        score_before,
        score,
        line_before,
        line_now,
        {% for part in parts_of_a_change() %}
            part_{{ part }},
        {% endfor %}
        policy_version
    from {{ ref('int_tier_log__appended') }}
    where
        from_tier is distinct from tier
        and not (graded = 'graded' and coalesce(from_graded, 'new') in ('provisional', 'not_graded'))
)

select * from changes
