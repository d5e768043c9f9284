-- Grain: one row per as_of, policy, version, group, tier, position of a condition and counted_more. Where each line
-- runs on that day, and how far its bands reach. Beside the line itself (counted_more = 0) stand those of one
-- customer more and one less, which is what a single customer's own change can make of it. The lines that the run
-- starts from are here too. Everything is exact: shares and bands are multiplied as whole numbers.
{% set unit = '10000000000' %}
{% set tenth_of_a_thousandth = 'cast(0.0001 as decimal(5, 4))' %}  {#- a division would be a double #}

with

counted as (
    select
        as_of,
        policy,
        policy_version,
        measure,
        group_name,
        count(*) filter (where is_eligible) as eligible_customers,
        count(*) filter (where is_eligible and score > 0) as ranked_customers
    from {{ ref('int_policy_measures__ranked') }}
    group by all
),

counted_or_empty as (  -- a group that a customer comes into had lines the day before too, if nobody in it
    select * from counted

    union all

    select distinct
        in_force.previous_as_of as as_of,
        counted.policy,
        counted.policy_version,
        counted.measure,
        counted.group_name,
        0 as eligible_customers,
        0 as ranked_customers
    from counted
    inner join {{ ref('int_policies__in_force') }} as in_force
        on
            counted.as_of = in_force.as_of
            and counted.policy = in_force.policy
            and counted.policy_version = in_force.policy_version
    anti join counted as before
        on
            in_force.previous_as_of = before.as_of
            and counted.policy = before.policy
            and counted.policy_version = before.policy_version
            and counted.measure = before.measure
            and counted.group_name = before.group_name
    anti join {{ source('inputs', 'policy_line_states') }} as carried
        on
            in_force.previous_as_of = carried.as_of
            and counted.policy = carried.policy
            and counted.policy_version = carried.policy_version
            and counted.measure = carried.measure
            and counted.group_name = carried.group_name
    where in_force.previous_as_of is not null
),

conditions as (  -- a tier without a condition, by hand or for all others, stands here too, with a line of nothing
    select
        tiers.policy,
        tiers.policy_version,
        tiers.tier,
        tiers.tier_rank,
        tiers.rule_kind,
        coalesce(conditions.position, 0) as position,
        coalesce(conditions.measure, policies.measure) as measure,
        coalesce(conditions.condition_kind, tiers.rule_kind) as condition_kind,
        conditions.share,
        conditions.bound,
        policies.promotion_band,
        policies.demotion_band
    from {{ source('inputs', 'policy_tiers') }} as tiers
    inner join {{ source('inputs', 'policies') }} as policies
        on tiers.policy = policies.policy and tiers.policy_version = policies.policy_version
    left join {{ source('inputs', 'policy_conditions') }} as conditions
        on
            tiers.policy = conditions.policy
            and tiers.policy_version = conditions.policy_version
            and tiers.tier = conditions.tier
),

seated as (
    select
        counted.as_of,
        counted.group_name,
        counted.eligible_customers,
        counted.ranked_customers,
        conditions.*,
        variants.counted_more,
        {{ in_units('conditions.share', 10) }} * greatest(counted.ranked_customers + variants.counted_more, 0)
            as share_of_all,
        {{ in_units('conditions.share', 10) }} * greatest(counted.ranked_customers + variants.counted_more, 0)
        // {{ unit }} as seats
    from counted_or_empty as counted
    inner join conditions
        on
            counted.policy = conditions.policy
            and counted.policy_version = conditions.policy_version
            and counted.measure = conditions.measure
    cross join (values (-1), (0), (1)) as variants (counted_more)
),

banded as (
    select
        *,
        case
            when seats >= 1 then greatest(1, seats * {{ in_units('(1 - promotion_band)', 10) }} // {{ unit }})
        end as clear_rank,
        case
            when seats is not null
                then greatest(  -- a band is at least one rank wide
                    share_of_all * {{ in_units('(1 + demotion_band)', 10) }} // {{ unit }} // {{ unit }},
                    case when demotion_band > 0 and seats >= 1 then seats + 1 else 0 end
                )
        end as miss_rank,
        cast(bound as decimal(38, 14)) + cast(abs(bound) as decimal(24, 4)) * cast(promotion_band as decimal(14, 10))
            as clear_bound,
        cast(bound as decimal(38, 14)) - cast(abs(bound) as decimal(24, 4)) * cast(demotion_band as decimal(14, 10))
            as miss_bound
    from seated
),

places as (
    select distinct
        as_of,
        policy,
        policy_version,
        measure,
        group_name,
        unnest([seats, clear_rank, clear_rank + 1, miss_rank, miss_rank + 1]) as place
    from banded
    where condition_kind = 'top_share'
),

taken as (  -- equals take as many places as they are, and stand alike at each
    select distinct
        places.as_of,
        places.policy,
        places.policy_version,
        places.measure,
        places.group_name,
        places.place,
        ranked.score,
        ranked.then_by_1,
        ranked.then_by_2,
        ranked.then_by_3
    from places
    inner join {{ ref('int_policy_measures__ranked') }} as ranked
        on
            places.as_of = ranked.as_of
            and places.policy = ranked.policy
            and places.policy_version = ranked.policy_version
            and places.measure = ranked.measure
            and places.group_name = ranked.group_name
            and places.place > ranked.better
            and places.place <= ranked.rank_position
    where ranked.is_eligible
),

standings as (
    select
        as_of,
        policy,
        policy_version,
        measure,
        group_name,
        map_from_entries(
            list(
                (
                    place,
                    {
                        'score': score,
                        'standing': [
                            coalesce(score, {{ below_every_number() }}),
                            coalesce(then_by_1, {{ below_every_number() }}),
                            coalesce(then_by_2, {{ below_every_number() }}),
                            coalesce(then_by_3, {{ below_every_number() }})
                        ]
                    }
                )
            )
        ) as who_stands_at
    from taken
    group by as_of, policy, policy_version, measure, group_name
),

standing_there as (  -- who stands at the last seat, at the ranks that clear and miss, and next behind these
    select
        banded.*,
        standings.who_stands_at[banded.seats] as at_seats,
        standings.who_stands_at[banded.clear_rank] as at_clear,
        standings.who_stands_at[banded.clear_rank + 1] as behind_clear,
        standings.who_stands_at[banded.miss_rank] as at_miss,
        standings.who_stands_at[banded.miss_rank + 1] as behind_miss
    from banded
    left join standings
        on
            banded.as_of = standings.as_of
            and banded.policy = standings.policy
            and banded.policy_version = standings.policy_version
            and banded.measure = standings.measure
            and banded.group_name = standings.group_name
),

drawn as (
    select
        lines.as_of,
        lines.policy,
        lines.policy_version,
        lines.group_name,
        lines.tier,
        cast(lines.tier_rank as bigint) as tier_rank,
        cast(lines.position as bigint) as position,
        cast(lines.counted_more as bigint) as counted_more,
        lines.measure,
        lines.rule_kind,
        lines.condition_kind,
        lines.share,
        lines.bound,
        lines.eligible_customers,
        lines.ranked_customers,
        cast(lines.seats as bigint) as seats,
        cast(lines.clear_rank as bigint) as clear_rank,
        cast(lines.miss_rank as bigint) as miss_rank,
        lines.clear_bound,
        lines.miss_bound,
        cast(coalesce(lines.bound, lines.at_seats['score']) as decimal(18, 4)) as line_value,
        cast(
            case
                when lines.condition_kind = 'at_least' then lines.bound
                when lines.condition_kind = 'above' then lines.bound + {{ measure_step('lines.measure') }}
                when lines.seats >= 1  -- past the last seat, and above 0
                    then greatest(coalesce(lines.at_seats['score'], 0), 0) + {{ measure_step('lines.measure') }}
            end as decimal(18, 4)
        ) as reach_value,
        cast(
            case
                when lines.condition_kind = 'at_least'
                    then ceil(lines.clear_bound * 10000) * {{ tenth_of_a_thousandth }}
                when lines.condition_kind = 'above'
                    then
                        floor(lines.clear_bound * 10000) * {{ tenth_of_a_thousandth }}
                        + {{ measure_step('lines.measure') }}
                when lines.clear_rank >= 1  -- past who stands there, and above 0
                    then greatest(coalesce(lines.at_clear['score'], 0), 0) + {{ measure_step('lines.measure') }}
            end as decimal(18, 4)
        ) as clear_value,
        cast(
            case lines.condition_kind  -- down to here the tier is kept (of `above`: it is lost here)
                when 'at_least' then ceil(lines.miss_bound * 10000) * {{ tenth_of_a_thousandth }}
                when 'above' then floor(lines.miss_bound * 10000) * {{ tenth_of_a_thousandth }}
                when 'top_share' then greatest(coalesce(lines.behind_miss['score'], 0), 0)
            end as decimal(18, 4)
        ) as miss_value,
        lines.at_clear['standing'] as at_clear_rank,
        lines.behind_clear['standing'] as behind_clear_rank,
        lines.at_miss['standing'] as at_miss_rank,
        lines.behind_miss['standing'] as behind_miss_rank
    from standing_there as lines

    union all by name

    select *
    from {{ source('inputs', 'policy_line_states') }}
)

select * from drawn
