-- Grain: one row per as_of, policy and customer whose tier or grading changed that day. The log so far and the run's.
{% set columns = [
    'as_of', 'policy', 'policy_version', 'customer_key', 'tier', 'tier_rank', 'graded', 'reason', 'cause',
    'decision_rows', 'is_limited_by_steps', 'from_tier', 'from_graded', 'is_new', 'changed_from', 'score',
    'score_before', 'line_before', 'line_now'
] %}
with

appended as (
    select *
    from {{ source('inputs', 'tier_decisions') }}

    union all by name

    select
        {% for part in parts_of_a_change() %}
            part_{{ part }},
        {% endfor %}
        {{ columns | join(', ') }}
    from {{ ref('int_tier_decisions__decided') }}
    where is_change
)

select * from appended
