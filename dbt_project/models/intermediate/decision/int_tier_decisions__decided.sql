-- Grain: one row per as_of, policy and customer of its population, and one for each who left it that day.
-- The decision of one day, from the day's proposals and the state that the day before left. Nothing is held yet:
-- everybody gets the tier reached (rows 3 and 5 of the decision table).
-- depends_on: {{ ref('int_tier_states__carried') }}
{{ config(materialized='day_by_day', starts_with='int_tier_states__carried') }}
with

state as (
    select *
    from {{ this }}
    where
        as_of = (select max(before.as_of) from {{ this }} as before, decided_day where before.as_of < decided_day.as_of)
        and reason <> 'left_population'
),

proposals as (
    select *
    from {{ ref('int_tier_proposals__reached') }}
    where as_of = (select decided_day.as_of from decided_day)
),

decided as (
    select
        decided_day.as_of,
        coalesce(proposals.policy, state.policy) as policy,
        coalesce(proposals.policy_version, state.policy_version) as policy_version,
        coalesce(proposals.customer_key, state.customer_key) as customer_key,
        proposals.tier,
        proposals.tier_rank,
        coalesce(proposals.graded, 'not_graded') as graded,
        coalesce(proposals.reason, 'left_population') as reason,
        cast(null as varchar) as cause,
        proposals.decision_rows,
        false as is_limited_by_steps,
        proposals.score,
        proposals.rank_position,
        proposals.gap_up,
        proposals.gap_down,
        state.tier as from_tier,
        state.graded as from_graded,
        state.tier_since as since_before,
        state.customer_key is null as is_new,
        state.customer_key is null
        or proposals.customer_key is null
        or (proposals.tier is distinct from state.tier)
        or (proposals.graded is distinct from state.graded) as is_change
    from proposals
    full outer join state
        on proposals.policy = state.policy and proposals.customer_key = state.customer_key
    cross join decided_day
    where
        proposals.policy is not null
        or state.policy in (select policies.policy from {{ source('inputs', 'policies') }} as policies)
),

dated as (
    select
        * exclude (since_before),
        case when is_change then as_of else since_before end as tier_since
    from decided
)

select * from dated
