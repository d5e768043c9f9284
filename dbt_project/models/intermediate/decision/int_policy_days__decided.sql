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
        days.as_of,
        policies.policy,
        policies.policy_version,
        policies.policy_status,
        policies.is_primary
    from {{ source('inputs', 'run_days') }} as days
    cross join {{ source('inputs', 'policies') }} as policies
)

select * from decided
