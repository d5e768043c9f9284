-- Grain: one row per as_of and policy that was decided. Which version ruled, and whether it was the primary one.
with

decided as (
    select
        as_of,
        policy,
        policy_version,
        policy_status,
        is_primary
    from {{ source('inputs', 'policy_days') }}

    union all by name

    select
        as_of,
        policy,
        policy_version,
        policy_status,
        is_primary
    from {{ ref('int_policies__in_force') }}
)

select * from decided
