-- Grain: one row per as_of and policy in force on that day of the run. The version that rules, what it asks for, and
-- the decided day before it: a run starts from the day that the parent left, and goes on from its own.
with

days as (
    select
        as_of,
        coalesce(
            lag(as_of) over (order by as_of),
            (select max(states.as_of) from {{ source('inputs', 'policy_states') }} as states)
        ) as previous_as_of
    from {{ source('inputs', 'run_days') }}
),

then_by as (
    select
        policy,
        policy_version,
        max(measure) filter (where position = 1) as then_by_1,
        max(measure) filter (where position = 2) as then_by_2,
        max(measure) filter (where position = 3) as then_by_3
    from {{ source('inputs', 'policy_then_by') }}
    group by policy, policy_version
),

versions as (
    select
        in_force.as_of,
        policies.*,
        then_by.then_by_1,
        then_by.then_by_2,
        then_by.then_by_3
    from {{ source('inputs', 'policies_in_force') }} as in_force
    inner join {{ source('inputs', 'policies') }} as policies
        on in_force.policy = policies.policy and in_force.policy_version = policies.policy_version
    left join then_by
        on policies.policy = then_by.policy and policies.policy_version = then_by.policy_version
),

decided as (
    select *
    from {{ source('inputs', 'policy_states') }}

    union all by name

    select
        as_of,
        policy,
        policy_version,
        measure,
        is_scored,
        rank_within,
        after_days,
        minimum_coverage,
        then_by_1,
        then_by_2,
        then_by_3,
        as_of as settled_on
    from versions
),

in_force as (
    select
        versions.*,
        versions.as_of as settled_on,
        before.as_of as previous_as_of,
        before.policy_version as previous_version,
        before.measure as previous_measure,
        before.is_scored as previous_is_scored,
        before.rank_within as previous_rank_within,
        before.after_days as previous_after_days,
        before.minimum_coverage as previous_minimum_coverage,
        before.then_by_1 as previous_then_by_1,
        before.then_by_2 as previous_then_by_2,
        before.then_by_3 as previous_then_by_3,
        before.settled_on as settled_before,
        before.as_of is null as is_first_decided_day
    from versions
    inner join days
        on versions.as_of = days.as_of
    left join decided as before
        on versions.policy = before.policy and days.previous_as_of = before.as_of
)

select * from in_force
