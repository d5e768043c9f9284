-- Grain: one row per as_of, policy, version, measure it speaks of and customer of its population. Who stands where.
-- Beside the version in force stands, on the eve of its first day, a new one: what it would have made of that day's
-- values tells a change of policy from a change of customers.
with

rankings as (
    select
        as_of,
        * exclude (as_of)
    from {{ ref('int_policies__in_force') }}

    union all

    select
        previous_as_of as as_of,
        * exclude (as_of)
    from {{ ref('int_policies__in_force') }}
    where previous_version <> policy_version
),

spoken_of as (
    select
        policy,
        policy_version,
        measure,
        true as is_main
    from {{ source('inputs', 'policies') }}

    union all

    select distinct
        conditions.policy,
        conditions.policy_version,
        conditions.measure,
        false as is_main
    from {{ source('inputs', 'policy_conditions') }} as conditions
    anti join {{ source('inputs', 'policies') }} as policies
        on
            conditions.policy = policies.policy
            and conditions.policy_version = policies.policy_version
            and conditions.measure = policies.measure
),

scored as (
    select *
    from {{ ref('int_policy_scores__weighted') }}
    where basis = 'day'
),

measured as (
    select
        rankings.as_of,
        rankings.policy,
        rankings.policy_version,
        spoken_of.measure,
        spoken_of.is_main,
        people.customer_key,
        people.first_sale_on,
        coalesce({{ attribute_value('rankings.rank_within', 'described') }}, '') as group_name,
        rankings.otherwise_graded,
        {{ measure_value('spoken_of.measure', 'valued', 'scored') }} as score,
        {{ measure_value('rankings.then_by_1', 'valued', 'scored') }} as then_by_1,
        {{ measure_value('rankings.then_by_2', 'valued', 'scored') }} as then_by_2,
        {{ measure_value('rankings.then_by_3', 'valued', 'scored') }} as then_by_3,
        people.is_eligible
    from rankings
    inner join {{ ref('int_policy_people__judged') }} as people
        on
            rankings.as_of = people.as_of
            and rankings.policy = people.policy
            and rankings.policy_version = people.policy_version
    inner join spoken_of
        on people.policy = spoken_of.policy and people.policy_version = spoken_of.policy_version
    inner join {{ ref('int_customers__measured') }} as valued
        on people.as_of = valued.as_of and people.customer_key = valued.customer_key and valued.basis = 'day'
    left join {{ ref('int_customers__described') }} as described
        on people.as_of = described.as_of and people.customer_key = described.customer_key
    left join scored
        on
            people.as_of = scored.as_of
            and people.policy = scored.policy
            and people.policy_version = scored.policy_version
            and people.customer_key = scored.customer_key
),

standings as (  -- equals stand together: only who stands differently, in a narrow row, has to be put in order
    select
        as_of,
        policy,
        policy_version,
        measure,
        group_name,
        score,
        then_by_1,
        then_by_2,
        then_by_3,
        sum(case when is_eligible then 1 else 0 end) as eligible
    from measured
    group by as_of, policy, policy_version, measure, group_name, score, then_by_1, then_by_2, then_by_3
),

placed as (
    select
        *,
        cast(
            sum(eligible) over (
                partition by as_of, policy, policy_version, measure, group_name
                order by
                    score desc nulls last,
                    then_by_1 desc nulls last,
                    then_by_2 desc nulls last,
                    then_by_3 desc nulls last
                rows between unbounded preceding and current row
            ) as bigint
        ) as at_least_as_good
    from standings
),

ranked as (
    select
        measured.as_of,
        measured.policy,
        measured.policy_version,
        measured.measure,
        measured.is_main,
        measured.customer_key,
        measured.first_sale_on,
        measured.group_name,
        measured.score,
        measured.then_by_1,
        measured.then_by_2,
        measured.then_by_3,
        measured.is_eligible,
        case when measured.is_eligible then 'graded' else measured.otherwise_graded end as graded,
        case  -- equals share the worst rank of their group; the provisional stand one behind their equals
            when measured.is_eligible then placed.at_least_as_good
            when measured.otherwise_graded = 'provisional' then placed.at_least_as_good + 1
        end as rank_position,
        cast(placed.at_least_as_good - placed.eligible as bigint) as better
    from measured
    inner join placed
        on
            measured.as_of = placed.as_of
            and measured.policy = placed.policy
            and measured.policy_version = placed.policy_version
            and measured.measure = placed.measure
            and measured.group_name = placed.group_name
            and measured.score is not distinct from placed.score
            and measured.then_by_1 is not distinct from placed.then_by_1
            and measured.then_by_2 is not distinct from placed.then_by_2
            and measured.then_by_3 is not distinct from placed.then_by_3
)

select * from ranked
