-- Grain: one row per policy, customer, kind and tier, of one decided day. The runs that count that day: a customer
-- who is eligible and under no override counts as clearing each tier above its own whose line it clears, and as
-- missing the tier it held. A run that was on goes on from the day it began; another begins that day.
with

met as (
    select *
    from {{ ref('int_tier_holders__met') }}
    where is_eligible and override_rank is null
),

runs_before as (
    select
        policy,
        customer_key,
        unnest(runs_before) as run
    from met
    where len(runs_before) > 0
),

clearing as (
    select
        met.policy,
        met.customer_key,
        'clearing' as kind,
        judged.tier,
        judged.tier_rank
    from met
    inner join {{ ref('int_tier_lines__judged') }} as judged
        on met.as_of = judged.as_of and met.policy = judged.policy and met.customer_key = judged.customer_key
    where
        judged.clears
        -- whose tier is open that day may sit below any line it clears
        and (met.held_rank is null or met.was_by_override or judged.tier_rank < met.held_rank)
),

missing as (
    select
        met.policy,
        met.customer_key,
        'missing' as kind,
        met.from_tier as tier,
        met.held_rank as tier_rank
    from met
    anti join {{ ref('int_tier_lines__judged') }} as kept
        on
            met.as_of = kept.as_of
            and met.policy = kept.policy
            and met.customer_key = kept.customer_key
            and met.held_rank = kept.tier_rank
    where met.held_rank is not null and met.held_rule <> 'otherwise'
),

counting as (
    select * from clearing
    union all
    select * from missing
),

counted as (
    select
        met.as_of,
        counting.policy,
        counting.customer_key,
        counting.kind,
        counting.tier,
        counting.tier_rank,
        coalesce(before.run['since'], met.as_of) as since,
        before.run is null as is_begun,
        met.as_of - coalesce(before.run['since'], met.as_of) + 1 as days,
        {% for part in parts_of_a_change() %}
            coalesce(before.run['part_{{ part }}'], 0) as part_{{ part }},
        {% endfor %}
        before.run['score_before'] as score_before,
        before.run['line_before'] as line_before,
        before.run['cause'] as cause
    from counting
    inner join met
        on counting.policy = met.policy and counting.customer_key = met.customer_key
    left join runs_before as before
        on
            counting.policy = before.policy
            and counting.customer_key = before.customer_key
            and counting.kind = before.run['kind']
            and counting.tier = before.run['tier']
)

select * from counted
