-- Grain: one row per as_of, policy and tier. Where each tier's line runs on that day.
-- A share counts the eligible whose measure is above 0: seats = floor(share × n), in exact decimals.
with

counted as (
    select
        as_of,
        policy,
        count(*) filter (where is_eligible) as eligible_customers,
        count(*) filter (where is_eligible and score > 0) as ranked_customers
    from {{ ref('int_policy_populations__ranked') }}
    group by as_of, policy
),

tiers as (
    select
        counted.as_of,
        counted.eligible_customers,
        counted.ranked_customers,
        tiers.*,
        case
            when tiers.rule_kind = 'top_share'
                then cast(floor(tiers.share * counted.ranked_customers) as bigint)
        end as seats
    from counted
    inner join {{ source('inputs', 'policy_tiers') }} as tiers
        on counted.policy = tiers.policy
),

positions as (  -- the measure of who stands at a rank; equals fill the ranks up to their own
    select
        as_of,
        policy,
        rank_position,
        min(score) as score,
        rank_position - count(*) as better
    from {{ ref('int_policy_populations__ranked') }}
    where is_eligible
    group by as_of, policy, rank_position
),

drawn as (
    select
        tiers.as_of,
        tiers.policy,
        tiers.tier,
        cast(tiers.tier_rank as bigint) as tier_rank,
        tiers.label_en,
        tiers.label_zh,
        tiers.rule_kind,
        tiers.share,
        tiers.bound,
        tiers.eligible_customers,
        tiers.ranked_customers,
        tiers.seats,
        cast(coalesce(tiers.bound, last_seat.score) as decimal(18, 4)) as line_value,
        -- at 0 or less every share is missed
        case when tiers.seats is not null then greatest(next_behind.score, 0) end as value_behind_line
    from tiers
    left join positions as last_seat
        on
            tiers.as_of = last_seat.as_of
            and tiers.policy = last_seat.policy
            and tiers.seats > last_seat.better
            and tiers.seats <= last_seat.rank_position
    left join positions as next_behind
        on
            tiers.as_of = next_behind.as_of
            and tiers.policy = next_behind.policy
            and tiers.seats + 1 > next_behind.better
            and tiers.seats + 1 <= next_behind.rank_position
)

select * from drawn
