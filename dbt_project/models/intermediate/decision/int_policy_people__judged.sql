-- Grain: one row per as_of, policy, version and customer of its population. Who is eligible.
with

covered as (
    select
        as_of,
        policy,
        policy_version,
        customer_key,
        {{ score_coverage() }} as coverage
    from {{ ref('int_policy_parts__measured') }}
    where basis = 'day'
    group by as_of, policy, policy_version, customer_key
),

judged as (
    select
        people.as_of,
        people.policy,
        people.policy_version,
        people.customer_key,
        valued.first_sale_on,
        {{ is_eligible('policies', 'valued', 'covered', 'people.as_of') }} as is_eligible
    from {{ ref('int_policy_people__matched') }} as people
    inner join {{ source('inputs', 'policies') }} as policies
        on people.policy = policies.policy and people.policy_version = policies.policy_version
    inner join {{ ref('int_customers__measured') }} as valued
        on people.as_of = valued.as_of and people.customer_key = valued.customer_key and valued.basis = 'day'
    left join covered
        on
            people.as_of = covered.as_of
            and people.policy = covered.policy
            and people.policy_version = covered.policy_version
            and people.customer_key = covered.customer_key
)

select * from judged
