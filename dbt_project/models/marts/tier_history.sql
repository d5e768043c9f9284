-- Tiers as decided. An interval ends the day before the next change, or with the last day on which its policy was
-- decided: one that pauses while others are decided shows nobody's tier in between. A night that did not run is no
-- pause.
with

decided_days as (
    select
        as_of,
        row_number() over (order by as_of) as day_number
    from (select distinct as_of from {{ ref('int_policy_days__decided') }}) as decided
),

numbered as (
    select
        policies.policy,
        policies.as_of,
        decided_days.day_number
        - row_number() over (partition by policies.policy order by policies.as_of) as stretch
    from {{ ref('int_policy_days__decided') }} as policies
    inner join decided_days
        on policies.as_of = decided_days.as_of
),

stretches as (
    select
        policy,
        min(as_of) as first_decided_on,
        max(as_of) as last_decided_on
    from numbered
    group by policy, stretch
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
            when followed.next_as_of <= stretches.last_decided_on then cast(followed.next_as_of - 1 as date)
            when stretches.last_decided_on < {{ latest_day() }} then stretches.last_decided_on
        end as valid_to,
        followed.reason,
        followed.cause,
        followed.policy_version
    from followed
    inner join stretches
        on
            followed.policy = stretches.policy
            and followed.as_of between stretches.first_decided_on and stretches.last_decided_on
    where followed.reason <> 'left_population'
)

select * from intervals
