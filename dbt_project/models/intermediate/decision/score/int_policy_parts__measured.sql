-- Grain: one row per as_of, policy, version, basis, part of a score and customer of the population with data for it.
-- What each part is made of: on the `day`, and for what moved a score since the decided day before. `before` is the
-- value of back then, `corrected` as it is known since, `refitted` by another value model, `slid` through the windows
-- of the day, `then` that of the day; `old` is that of back then, in the parts of the version that ruled then. Each is
-- held against everybody of the day `drawn_on`: all but `day` against those of back then.
with

vectors as (
    select distinct
        as_of,
        policy,
        policy_version,
        policy_version as parts_version,
        'day' as basis,
        as_of as drawn_on,
        as_of as valued_on,
        'day' as valued_as
    from {{ ref('int_policy_people__matched') }}

    union all

    select
        in_force.as_of,
        in_force.policy,
        in_force.policy_version,
        case when steps.basis = 'old' then in_force.previous_version else in_force.policy_version end as parts_version,
        steps.basis,
        in_force.previous_as_of as drawn_on,
        case when steps.basis in ('old', 'before') then in_force.previous_as_of else in_force.as_of end as valued_on,
        case when steps.basis in ('corrected', 'refitted', 'slid') then steps.basis else 'day' end as valued_as
    from {{ ref('int_policies__in_force') }} as in_force
    cross join (values ('old'), ('before'), ('corrected'), ('refitted'), ('slid'), ('then')) as steps (basis)
    where
        in_force.previous_as_of is not null
        and (steps.basis <> 'old' or in_force.previous_version <> in_force.policy_version)
),

measured as (
    select
        vectors.as_of,
        vectors.policy,
        vectors.policy_version,
        vectors.parts_version,
        vectors.basis,
        vectors.drawn_on,
        parts.position,
        people.customer_key,
        {{ measure_value('parts.measure', 'valued') }} as value,
        parts.coverage_units,
        parts.coverage_total
    from vectors
    inner join {{ source('inputs', 'policy_score_parts') }} as parts
        on vectors.policy = parts.policy and vectors.parts_version = parts.policy_version
    inner join {{ ref('int_policy_people__matched') }} as people
        on
            vectors.as_of = people.as_of
            and vectors.policy = people.policy
            and vectors.policy_version = people.policy_version
    inner join {{ ref('int_customers__measured') }} as valued
        on
            vectors.valued_on = valued.as_of
            and vectors.valued_as = valued.basis
            and people.customer_key = valued.customer_key
)

select *
from measured
where value is not null
