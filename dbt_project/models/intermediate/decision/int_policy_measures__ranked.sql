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

counting as (  -- sums over a window are fast where filtered counts are not
    select
        *,
        case when is_eligible then 1 else 0 end as eligible
    from measured
),

placed as (  -- the eligible before and beside everybody, in one order of standing
    select
        *,
        cast(sum(eligible) over at_least_as_good as bigint) as at_least_as_good,
        cast(coalesce(sum(eligible) over better, 0) as bigint) as better,
        cast(sum(eligible) over row_by_row as bigint) as place
    from counting
    window
        at_least_as_good as (
            partition by as_of, policy, policy_version, measure, group_name
            order by
                score desc nulls last,
                then_by_1 desc nulls last,
                then_by_2 desc nulls last,
                then_by_3 desc nulls last
            range between unbounded preceding and current row
        ),
        better as (
            partition by as_of, policy, policy_version, measure, group_name
            order by
                score desc nulls last,
                then_by_1 desc nulls last,
                then_by_2 desc nulls last,
                then_by_3 desc nulls last
            groups between unbounded preceding and 1 preceding
        ),
        row_by_row as (
            partition by as_of, policy, policy_version, measure, group_name
            order by
                score desc nulls last,
                then_by_1 desc nulls last,
                then_by_2 desc nulls last,
                then_by_3 desc nulls last,
                customer_key asc
            rows between unbounded preceding and current row
        )
),

ranked as (
    select
        as_of,
        policy,
        policy_version,
        measure,
        is_main,
        customer_key,
        first_sale_on,
        group_name,
        score,
        then_by_1,
        then_by_2,
        then_by_3,
        is_eligible,
        case when is_eligible then 'graded' else otherwise_graded end as graded,
        case  -- equals share the worst rank of their group; the provisional stand one behind their equals
            when is_eligible then at_least_as_good
            when otherwise_graded = 'provisional' then at_least_as_good + 1
        end as rank_position,
        better,
        case when is_eligible then place end as place
    from placed
)

select * from ranked
