with

decided as (
    select *
    from {{ ref('int_tier_decisions__decided') }}
    where as_of = {{ latest_day() }} and reason <> 'left_population'
),

policies as (
    select *
    from {{ ref('int_policies__in_force') }}
    where as_of = {{ latest_day() }}
),

tiers as (
    select
        policies.policy,
        tiers.tier,
        cast(tiers.tier_rank as bigint) as tier_rank,
        tiers.rule_kind,
        tiers.share,
        tiers.bound
    from {{ source('inputs', 'policy_tiers') }} as tiers
    inner join policies
        on tiers.policy = policies.policy and tiers.policy_version = policies.policy_version
),

people as (
    select
        ranked.policy,
        ranked.customer_key,
        ranked.group_name,
        ranked.first_sale_on,
        ranked.is_eligible,
        ranked.graded as gradable,
        ranked.score,
        ranked.better
    from {{ ref('int_policy_measures__ranked') }} as ranked
    inner join policies
        on
            ranked.as_of = policies.as_of
            and ranked.policy = policies.policy
            and ranked.policy_version = policies.policy_version
    where ranked.is_main
),

drawn as (
    select
        lines.*,
        lines.as_of = policies.as_of as is_latest,
        lines.measure = policies.measure as is_by_main_measure
    from {{ ref('int_policy_lines__drawn') }} as lines
    inner join policies
        on
            lines.policy = policies.policy
            and (
                (lines.as_of = policies.as_of and lines.policy_version = policies.policy_version)
                or (lines.as_of = policies.previous_as_of and lines.policy_version = policies.previous_version)
            )
    where lines.counted_more = 0
),

lines as (  -- a tier of several measures has no line that one number could show
    select
        policy,
        group_name,
        tier,
        is_latest,
        max(line_value) as line_value,
        max(reach_value) as reach_value,
        max(clear_value) as clear_value,
        max(miss_value) as miss_value,
        max(seats) filter (where rule_kind = 'top_share') as seats
    from drawn
    group by policy, group_name, tier, is_latest
    having count(distinct measure) = 1
),

counted as (
    select
        policy,
        group_name,
        max(ranked_customers) as ranked_customers
    from drawn
    where is_latest and is_by_main_measure
    group by policy, group_name
),

behind as (  -- of several equals the first by key, so that the order of rows never matters
    select
        policy,
        group_name,
        better as stands_behind,
        min(customer_key) as customer_key,
        max(score) as score
    from people
    where is_eligible
    group by policy, group_name, better
),

reached as (
    select
        judged.policy,
        judged.customer_key,
        min(judged.tier_rank) as tier_rank
    from {{ ref('int_tier_lines__judged') }} as judged
    where judged.as_of = {{ latest_day() }} and judged.reaches
    group by judged.policy, judged.customer_key
),

runs as (
    select
        policy,
        customer_key,
        unnest(runs) as run
    from decided
    where len(runs) > 0
),

courses as (
    select
        runs.policy,
        runs.customer_key,
        min_by(runs.run['tier'], tiers.tier_rank) filter (where runs.run['kind'] = 'clearing') as clearing_tier,
        min_by(runs.run['since'], tiers.tier_rank) filter (where runs.run['kind'] = 'clearing') as clearing_since,
        min(runs.run['since']) filter (where runs.run['kind'] = 'clearing') as first_cleared_on,
        min(runs.run['since']) filter (where runs.run['kind'] = 'missing') as missing_since
    from runs
    left join tiers
        on runs.policy = tiers.policy and runs.run['tier'] = tiers.tier
    group by runs.policy, runs.customer_key
),

refunds as (
    select
        customer_key,
        count(*) as lines
    from {{ ref('fct_orders') }}
    where kind in ('refund', 'cancel') and {{ within_days('ordered_on', latest_day(), 365) }}
    group by customer_key
),

explained as (
    select
        decided.as_of,
        decided.policy,
        decided.policy_version,
        decided.customer_key,

        -- what was decided
        decided.tier,
        decided.tier_rank,
        decided.graded,
        decided.reason,
        decided.cause,
        decided.decision_rows,
        decided.is_limited_by_steps,
        decided.tier_since,
        decided.wanted_tier,

        -- where the customer stands
        policies.measure,
        decided.score,
        people.group_name,
        decided.rank_position,
        coalesce(counted.ranked_customers, 0) as ranked_customers,
        behind.customer_key as runner_up_key,
        behind.score as runner_up_score,

        -- the lines around it
        tiers.rule_kind,
        tiers.share,
        tiers.bound,
        own_line.seats,
        own_line.line_value,
        line_before.line_value as line_value_before,
        own_line.miss_value as keep_value,
        next_tier.tier as next_tier,
        case decided.graded when 'graded' then next_line.clear_value else next_line.reach_value end as next_line_value,
        decided.gap_up,
        decided.gap_down,
        reached_tier.tier as reached_tier,

        -- what moved the score since the decided day before
        compared.score_before,
        {% for part in parts_of_a_change() %}
            compared.part_{{ part }},
        {% endfor %}

        -- what may come
        courses.clearing_tier,
        courses.clearing_since,
        courses.missing_since,
        case
            when courses.first_cleared_on is not null
                then greatest(
                    cast(courses.first_cleared_on + policies.confirm_days - 1 as date),
                    cast(decided.as_of + 1 as date)
                )
            when courses.missing_since is not null and reached_tier.tier_rank > decided.tier_rank
                then greatest(
                    cast(courses.missing_since + policies.confirm_days + policies.grace_days - 1 as date),
                    cast(decided.tier_since + policies.minimum_stay_days as date),
                    cast(decided.as_of + 1 as date)
                )
        end as earliest_change_on,
        {{ review_on_or_after('policies.review_calendar', 'people.first_sale_on', 'cast(decided.as_of + 1 as date)') }}
            as next_review_on,
        people.first_sale_on,
        cast(people.first_sale_on + policies.after_days as date) as gradable_from,

        -- the facts behind
        valued.orders_12m,
        valued.purchase_days_12m,
        coalesce(refunds.lines, 0) as refunds_12m,
        valued.interactions_12m,
        valued.complaints_12m,
        valued.responses_12m
    from decided
    inner join policies
        on decided.policy = policies.policy
    inner join people
        on decided.policy = people.policy and decided.customer_key = people.customer_key
    inner join {{ ref('int_customers__measured') }} as valued
        on decided.as_of = valued.as_of and decided.customer_key = valued.customer_key and valued.basis = 'day'
    left join {{ ref('int_policy_scores__compared') }} as compared
        on
            decided.as_of = compared.as_of
            and decided.policy = compared.policy
            and decided.customer_key = compared.customer_key
    left join tiers
        on decided.policy = tiers.policy and decided.tier = tiers.tier
    left join tiers as next_tier
        on decided.policy = next_tier.policy and decided.tier_rank - 1 = next_tier.tier_rank
    left join reached
        on decided.policy = reached.policy and decided.customer_key = reached.customer_key
    left join tiers as otherwise_tier
        on decided.policy = otherwise_tier.policy and otherwise_tier.rule_kind = 'otherwise'
    left join tiers as reached_tier
        on
            decided.policy = reached_tier.policy
            and coalesce(reached.tier_rank, otherwise_tier.tier_rank) = reached_tier.tier_rank
            and people.gradable <> 'not_graded'
    left join lines as own_line
        on
            decided.policy = own_line.policy
            and people.group_name = own_line.group_name
            and decided.tier = own_line.tier
            and own_line.is_latest
    left join lines as line_before
        on
            decided.policy = line_before.policy
            and people.group_name = line_before.group_name
            and decided.tier = line_before.tier
            and not line_before.is_latest
    left join lines as next_line
        on
            decided.policy = next_line.policy
            and people.group_name = next_line.group_name
            and next_tier.tier = next_line.tier
            and next_line.is_latest
    left join counted
        on decided.policy = counted.policy and people.group_name = counted.group_name
    left join behind
        on
            decided.policy = behind.policy
            and people.group_name = behind.group_name
            and decided.rank_position - (case when people.is_eligible then 0 else 1 end) = behind.stands_behind
    left join courses
        on decided.policy = courses.policy and decided.customer_key = courses.customer_key
    left join refunds
        on decided.customer_key = refunds.customer_key
)

select * from explained
