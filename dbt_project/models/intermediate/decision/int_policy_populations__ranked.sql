-- Grain: one row per as_of, policy and customer of its population. Who is eligible, and who stands where.
-- Equals share the worst rank of their group; a provisional customer stands one behind its equals among the eligible.
{% set lowest = "cast('-99999999999999.9999' as decimal(18, 4))" %}

with

policies as (
    select
        policies.policy,
        policies.policy_version,
        policies.measure,
        policies.after_days,
        policies.otherwise_graded,
        coalesce(
            list(then_by.measure order by then_by.position) filter (where then_by.measure is not null), []
        ) as then_by
    from {{ source('inputs', 'policies') }} as policies
    left join {{ source('inputs', 'policy_then_by') }} as then_by
        on policies.policy = then_by.policy
    group by all
),

measured as (
    select
        customers.as_of,
        policies.policy,
        policies.policy_version,
        policies.otherwise_graded,
        customers.customer_key,
        {{ measure_value('policies.measure', 'customers') }} as score,
        list_transform(
            policies.then_by,
            lambda name: coalesce({{ measure_value('name', 'customers') }}, {{ lowest }})
        ) as then_by_values,
        {{ dbt.datediff('customers.first_sale_on', 'customers.as_of', 'day') }} >= policies.after_days
            as is_old_enough
    from {{ ref('int_customers__valued') }} as customers
    cross join policies
    where customers.first_sale_on is not null
),

judged as (
    select
        *,
        is_old_enough and score is not null as is_eligible,
        list_prepend(coalesce(score, {{ lowest }}), then_by_values) as standing
    from measured
),

groups_of_equals as (
    select
        as_of,
        policy,
        standing,
        sum(sum(case when is_eligible then 1 else 0 end)) over (
            partition by as_of, policy order by standing desc
        ) as at_least_as_good
    from judged
    group by as_of, policy, standing
),

ranked as (
    select
        judged.as_of,
        judged.policy,
        judged.policy_version,
        judged.customer_key,
        judged.score,
        judged.standing,
        judged.is_eligible,
        case
            when judged.is_eligible then 'graded'
            else judged.otherwise_graded
        end as graded,
        case
            when judged.is_eligible then cast(groups_of_equals.at_least_as_good as bigint)
            when judged.otherwise_graded = 'provisional' then cast(groups_of_equals.at_least_as_good + 1 as bigint)
        end as rank_position
    from judged
    inner join groups_of_equals
        on
            judged.as_of = groups_of_equals.as_of
            and judged.policy = groups_of_equals.policy
            and judged.standing = groups_of_equals.standing
)

select * from ranked
