with

people as (
    select
        people.as_of,
        people.policy,
        people.policy_version,
        people.customer_key,
        people.is_eligible
    from {{ ref('int_policy_people__judged') }} as people
    inner join {{ ref('int_policies__in_force') }} as in_force
        on
            people.as_of = in_force.as_of
            and people.policy = in_force.policy
            and people.policy_version = in_force.policy_version
    where in_force.is_scored and people.as_of = {{ latest_day() }}
),

scores as (
    select
        people.as_of,
        people.policy,
        people.customer_key,
        people.is_eligible,
        coalesce(weighted.coverage, 0) as coverage,
        weighted.contribution_score,
        weighted.potential_score,
        weighted.loyalty_score,
        weighted.value_score
    from people
    left join {{ ref('int_policy_scores__weighted') }} as weighted
        on
            people.as_of = weighted.as_of
            and people.policy = weighted.policy
            and people.policy_version = weighted.policy_version
            and people.customer_key = weighted.customer_key
            and weighted.basis = 'day'
)

select * from scores
