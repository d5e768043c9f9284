-- Tiers as decided. An interval ends the day before the next change; a policy no longer decided ends with its last day.
with

policy_ends as (
    select
        policy,
        max(as_of) as last_decided_on
    from {{ ref('int_policy_days__decided') }}
    group by policy
),

followed as (
    select
        *,
        lead(as_of) over (partition by policy, customer_key order by as_of) as next_as_of
    from {{ ref('int_tier_log__appended') }}
),

intervals as (
    select
        followed.policy,
        followed.customer_key,
        followed.tier,
        followed.tier_rank,
        followed.graded,
        followed.as_of as valid_from,
        case
            when followed.next_as_of is not null then cast(followed.next_as_of - 1 as date)
            when policy_ends.last_decided_on < {{ latest_day() }} then policy_ends.last_decided_on
        end as valid_to,
        followed.reason,
        followed.cause,
        followed.policy_version
    from followed
    inner join policy_ends
        on followed.policy = policy_ends.policy
    where followed.reason <> 'left_population'
)

select * from intervals
