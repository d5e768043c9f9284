-- Grain: one row per as_of, policy and tier. Which tiers a policy had on each day it was decided: what people may name.
-- A day whose version the run's rules no longer hold is left out; the nearest one that they do hold speaks for it.
with

dated as (
    select
        days.as_of,
        days.policy,
        days.policy_version,
        tiers.tier,
        tiers.rule_kind
    from {{ ref('int_policy_days__decided') }} as days
    inner join {{ source('inputs', 'policy_tiers') }} as tiers
        on days.policy = tiers.policy and days.policy_version = tiers.policy_version
)

select * from dated
