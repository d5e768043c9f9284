-- A change counts once its whole window has been decided on: a younger one may still be reversed.
with

windows as (
    select
        policies.policy,
        windows.window_days
    from (select distinct policy from {{ ref('int_policy_days__decided') }}) as policies
    cross join (values (30), (90), (180)) as windows (window_days)
),

changes as (  -- from one graded tier to another: nobody else holds one to come back to
    select *
    from {{ ref('fct_tier_changes') }}
    where from_graded = 'graded' and to_graded = 'graded' and from_tier <> to_tier
),

graded as (
    select *
    from {{ ref('tier_history') }}
    where graded = 'graded'
),

returned as (
    select
        changes.policy,
        {{ dbt.datediff('changes.as_of', latest_day(), 'day') }} as days_since,
        {{ dbt.datediff('changes.as_of', 'back.valid_from', 'day') }} as days_away
    from changes
    asof left join graded as back
        on
            changes.policy = back.policy
            and changes.customer_key = back.customer_key
            and changes.from_tier = back.tier
            and changes.as_of < back.valid_from
),

counted as (
    select
        {{ latest_day() }} as as_of,
        windows.policy,
        cast(windows.window_days as bigint) as window_days,
        count(returned.policy) as all_changes,
        count(*) filter (where returned.days_since >= windows.window_days) as changes,
        count(*) filter (
            where returned.days_since >= windows.window_days and returned.days_away <= windows.window_days
        ) as reversed_changes
    from windows
    left join returned
        on windows.policy = returned.policy
    group by windows.policy, windows.window_days
),

rated as (
    select
        as_of,
        policy,
        window_days,
        changes,
        reversed_changes,
        all_changes - changes as open_changes,
        case when changes > 0 then {{ ratio_half_even('reversed_changes', 'changes', 4) }} end as reversed_share
    from counted
)

select * from rated
