-- Grain: one row per policy and newcomer, of one decided day. Who comes new into a tier of a policy with seats (row
-- 10 of the decision table), and where they sit in the end. Tiers are filled from the top. Who keeps a tier, was put
-- there or was demoted into it sits already, even above the cap; what is left goes to newcomers by rank, equals
-- together or not at all. Who does not fit asks for the best lower tier whose line it reaches, and who rose never
-- sits below the tier it held.
with recursive

caps as (
    select
        tiers.policy,
        cast(tiers.tier_rank as bigint) as tier_rank,
        tiers.seat_cap
    from {{ source('inputs', 'policy_tiers') }} as tiers
    inner join {{ ref('int_policies__in_force') }} as in_force
        on tiers.policy = in_force.policy and tiers.policy_version = in_force.policy_version
    inner join decided_day
        on in_force.as_of = decided_day.as_of
    where tiers.seat_cap is not null
),

sitting as (
    select
        applied.policy,
        applied.group_name,
        applied.row_rank as tier_rank,
        count(*) as customers
    from {{ ref('int_tier_rows__applied') }} as applied
    where applied.has_seats and applied.row_graded = 'graded' and not applied.is_newcomer
    group by applied.policy, applied.group_name, applied.row_rank
),

newcomers as (
    select
        policy,
        customer_key,
        group_name,
        rank_position,
        reached_ranks,
        case when row_reason = 'promoted' then held_rank end as floor_rank,
        row_rank as wanted_rank
    from {{ ref('int_tier_rows__applied') }}
    where has_seats and is_newcomer
),

seating (policy, customer_key, group_name, rank_position, reached_ranks, floor_rank, wanted_rank, sits_at, filled) as (
    select
        newcomers.*,
        newcomers.wanted_rank as sits_at,
        cast(0 as bigint) as filled
    from newcomers

    union all

    select
        asking.policy,
        asking.customer_key,
        asking.group_name,
        asking.rank_position,
        asking.reached_ranks,
        asking.floor_rank,
        asking.wanted_rank,
        case
            when
                asking.sits_at = asking.filled + 1
                and asking.sits_at <> coalesce(asking.floor_rank, 0)
                and asking.ahead + asking.back_home + coalesce(sitting.customers, 0) > caps.seat_cap
                then least(
                    list_min(list_filter(asking.reached_ranks, lambda lower_rank: lower_rank > asking.sits_at)),
                    asking.floor_rank
                )
            else asking.sits_at
        end as sits_at,
        asking.filled + 1 as filled
    from (
        select
            *,
            count(*) filter (where sits_at = filled + 1 and sits_at <> coalesce(floor_rank, 0)) over (
                partition by policy, group_name
                order by rank_position
                range between unbounded preceding and current row
            ) as ahead,  -- oneself and one's equals included
            count(*) filter (where sits_at = filled + 1 and sits_at = floor_rank) over (
                partition by policy, group_name
            ) as back_home
        from seating
        where filled < (select max(caps.tier_rank) from caps)
    ) as asking
    left join caps
        on asking.policy = caps.policy and asking.filled + 1 = caps.tier_rank
    left join sitting
        on
            asking.policy = sitting.policy
            and asking.group_name = sitting.group_name
            and asking.filled + 1 = sitting.tier_rank
),

taken as (
    select
        policy,
        customer_key,
        wanted_rank,
        sits_at
    from seating
    where filled = (select max(caps.tier_rank) from caps)
)

select * from taken
