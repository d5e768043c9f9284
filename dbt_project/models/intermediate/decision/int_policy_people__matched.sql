-- Grain: one row per as_of, policy, version and customer of its population.
-- Beside the version in force stands, on the decided day before, a new one: what it would have made of that day's
-- values tells a change of policy from a change of customers. A policy that scores stands there always, because
-- against how everybody stood then a customer's own change is told apart from what others did since.
with

rankings as (
    select
        as_of,
        policy,
        policy_version
    from {{ ref('int_policies__in_force') }}

    union

    select
        previous_as_of as as_of,
        policy,
        policy_version
    from {{ ref('int_policies__in_force') }}
    where previous_as_of is not null and (previous_version <> policy_version or is_scored)

    union

    select
        previous_as_of as as_of,
        policy,
        previous_version as policy_version
    from {{ ref('int_policies__in_force') }}
    where previous_is_scored
),

attributes as (
    select
        as_of,
        customer_key,
        unnest({{ customer_attributes() }}) as attribute,
        unnest([{{ customer_attributes() | join(', ') }}]) as value
    from {{ ref('int_customers__described') }}
),

asked_for as (
    select
        policy,
        policy_version,
        count(distinct attribute) as attributes
    from {{ source('inputs', 'policy_applies_to') }}
    group by policy, policy_version
),

matching as (
    select
        attributes.as_of,
        applies_to.policy,
        applies_to.policy_version,
        attributes.customer_key
    from attributes
    inner join {{ source('inputs', 'policy_applies_to') }} as applies_to
        on attributes.attribute = applies_to.attribute and attributes.value = applies_to.value
    inner join asked_for
        on applies_to.policy = asked_for.policy and applies_to.policy_version = asked_for.policy_version
    group by
        attributes.as_of,
        applies_to.policy,
        applies_to.policy_version,
        attributes.customer_key,
        asked_for.attributes
    having count(*) = asked_for.attributes
),

buyers as (
    select
        as_of,
        customer_key
    from {{ ref('int_customers__measured') }}
    where basis = 'day' and first_sale_on is not null
),

matched as (
    select
        rankings.as_of,
        rankings.policy,
        rankings.policy_version,
        buyers.customer_key
    from rankings
    inner join buyers
        on rankings.as_of = buyers.as_of
    anti join asked_for
        on rankings.policy = asked_for.policy and rankings.policy_version = asked_for.policy_version

    union all

    select
        rankings.as_of,
        rankings.policy,
        rankings.policy_version,
        matching.customer_key
    from rankings
    inner join matching
        on
            rankings.as_of = matching.as_of
            and rankings.policy = matching.policy
            and rankings.policy_version = matching.policy_version
    inner join buyers
        on matching.as_of = buyers.as_of and matching.customer_key = buyers.customer_key
)

select * from matched
