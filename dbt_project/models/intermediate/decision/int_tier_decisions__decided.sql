-- Grain: one row per as_of, policy and customer of its population, and one for each who left it that day.
-- The decision of one day: what the decision table gives and the seats leave, and the state that tomorrow starts from.
-- depends_on: {{ source('inputs', 'tier_states') }} {{ source('inputs', 'run_days') }}
{{ config(materialized='day_by_day', starts_from='tier_states') }}
with

in_force as (
    select in_force.*
    from {{ ref('int_policies__in_force') }} as in_force
    inner join decided_day
        on in_force.as_of = decided_day.as_of
),

tiers as (
    select
        in_force.policy,
        tiers.tier,
        cast(tiers.tier_rank as bigint) as tier_rank
    from {{ source('inputs', 'policy_tiers') }} as tiers
    inner join in_force
        on tiers.policy = in_force.policy and tiers.policy_version = in_force.policy_version
),

lines as (  -- where one number shows the line: of a tier whose conditions are all held against the policy's own measure
    select
        lines.policy,
        lines.policy_version,
        lines.as_of,
        lines.group_name,
        lines.tier,
        {% for value in ['line_value', 'reach_value', 'clear_value', 'miss_value'] %}
            case when count(lines.{{ value }}) = count(*) then max(lines.{{ value }}) end as {{ value }},
        {% endfor %}
        lines.counted_more
    from {{ ref('int_policy_lines__drawn') }} as lines
    inner join in_force
        on lines.policy = in_force.policy and lines.as_of in (in_force.as_of, in_force.previous_as_of)
    where lines.counted_more in (0, 1)
    group by lines.policy, lines.policy_version, lines.as_of, lines.group_name, lines.tier, lines.counted_more
    having
        bool_and(
            lines.measure = case
                when lines.policy_version = in_force.policy_version then in_force.measure else in_force.previous_measure
            end
        )
),

compared as (  -- of that day alone: a backfill holds many
    select compared.*
    from {{ ref('int_policy_scores__compared') }} as compared
    inner join decided_day
        on compared.as_of = decided_day.as_of
),

judged as (
    select judged.*
    from {{ ref('int_tier_lines__judged') }} as judged
    inner join decided_day
        on judged.as_of = decided_day.as_of
),

seated as (
    select
        applied.*,
        coalesce(seats.sits_at, applied.row_rank) as final_rank,
        seats.sits_at <> seats.wanted_rank as is_waiting,
        case when seats.sits_at <> seats.wanted_rank then seats.wanted_rank end as wanted_rank
    from {{ ref('int_tier_rows__applied') }} as applied
    left join {{ ref('int_tier_seats__taken') }} as seats
        on applied.policy = seats.policy and applied.customer_key = seats.customer_key
),

settled as (
    select
        seated.*,
        tiers.tier,
        wanted.tier as wanted_tier,
        case when seated.is_waiting then 'waiting_for_seat' else seated.row_reason end as reason,
        seated.is_new or seated.has_left
        or (tiers.tier is distinct from seated.from_tier)
        or (seated.row_graded is distinct from seated.from_graded) as is_change,
        case  -- the run that led to the change, also where the seats cut it short
            when seated.row_reason = 'promoted' then 'clearing'
            when seated.row_reason = 'demoted' then 'missing'
        end as led_by_kind,
        case
            when seated.row_reason = 'promoted' then row_tier.tier
            when seated.row_reason = 'demoted' then seated.from_tier
        end as led_by_tier
    from seated
    left join tiers
        on seated.policy = tiers.policy and seated.final_rank = tiers.tier_rank
    left join tiers as wanted
        on seated.policy = wanted.policy and seated.wanted_rank = wanted.tier_rank
    left join tiers as row_tier
        on seated.policy = row_tier.policy and seated.row_rank = row_tier.tier_rank
),

runs as (  -- with what moved that day added to what moved since the run began
    select
        runs.as_of,
        runs.policy,
        runs.customer_key,
        runs.kind,
        runs.tier,
        runs.tier_rank,
        runs.since,
        coalesce(causes.cause, runs.cause) as cause,
        case when runs.is_begun then compared.score_before else runs.score_before end as score_before,
        case
            when not runs.is_begun then runs.line_before
            when runs.kind = 'clearing' then line_before.clear_value
            else line_before.miss_value
        end as line_before,
        {% for part in parts_of_a_change() %}
            cast(runs.part_{{ part }} + compared.part_{{ part }} as decimal(18, 4)) as part_{{ part }},
        {% endfor %}
        case when runs.kind = 'clearing' then line_now.clear_value else line_now.miss_value end as line_now
    from {{ ref('int_tier_runs__counted') }} as runs
    inner join in_force
        on runs.policy = in_force.policy
    inner join settled
        on runs.policy = settled.policy and runs.customer_key = settled.customer_key
    inner join compared
        on runs.policy = compared.policy and runs.customer_key = compared.customer_key
    left join {{ ref('int_tier_causes__found') }} as causes
        on
            runs.policy = causes.policy
            and runs.customer_key = causes.customer_key
            and runs.kind = causes.kind
            and runs.tier = causes.tier
    left join lines as line_now
        on
            line_now.counted_more = 0
            and runs.policy = line_now.policy
            and in_force.policy_version = line_now.policy_version
            and in_force.as_of = line_now.as_of
            and settled.group_name = line_now.group_name
            and runs.tier = line_now.tier
    left join lines as line_before
        on
            line_before.counted_more = 0
            and runs.policy = line_before.policy
            and in_force.previous_version = line_before.policy_version
            and in_force.previous_as_of = line_before.as_of
            and settled.group_name = line_before.group_name
            and runs.tier = line_before.tier
),

moved as (  -- with the run that led to the change, where one did
    select
        settled.*,
        led_by.policy is not null as is_led_by_run,
        led_by.since as led_since,
        led_by.score_before as led_score_before,
        led_by.line_before as led_line_before,
        led_by.line_now as led_line_now,
        {% for part in parts_of_a_change() %}
            led_by.part_{{ part }} as led_part_{{ part }},
        {% endfor %}
        case
            when not settled.is_change then settled.cause_before
            when settled.led_by_kind is not null then coalesce(led_by.cause, settled.cause_before, 'behaviour')
            when settled.is_tier_gone and settled.decision_row in (2, 3, 5) then 'policy_changed'
        end as cause
    from settled
    left join runs as led_by
        on
            settled.policy = led_by.policy
            and settled.customer_key = led_by.customer_key
            and settled.led_by_kind = led_by.kind
            and settled.led_by_tier = led_by.tier
),

runs_kept as (  -- towards each tier that is still above, and of missing the tier that is still held
    select
        runs.policy,
        runs.customer_key,
        list_sort(list(
            struct_pack(
                kind := runs.kind,
                tier := runs.tier,
                since := runs.since,
                cause := coalesce(runs.cause, moved.cause, 'behaviour'),
                score_before := runs.score_before,
                {% for part in parts_of_a_change() %}
                    part_{{ part }} := runs.part_{{ part }},
                {% endfor %}
                line_before := runs.line_before
            )
        )) as runs
    from runs
    inner join moved
        on runs.policy = moved.policy and runs.customer_key = moved.customer_key
    where
        moved.row_graded = 'graded'
        and case runs.kind
            when 'clearing' then runs.tier_rank < moved.final_rank
            else runs.tier = moved.tier and moved.from_graded = 'graded'
        end
    group by runs.policy, runs.customer_key
),

decided as (
    select
        moved.as_of,
        moved.policy,
        moved.policy_version,
        moved.customer_key,
        moved.tier,
        moved.final_rank as tier_rank,
        moved.row_graded as graded,
        moved.reason,
        moved.cause,
        case
            when moved.decision_row is not null
                then moved.decision_row || case when moved.is_waiting then ',10' else '' end
        end as decision_rows,
        moved.is_limited_by_steps,
        case when moved.is_change then moved.as_of else moved.since_before end as tier_since,
        (moved.decision_row is not distinct from 1) as by_override,
        moved.wanted_tier,
        moved.score,
        case when moved.is_eligible or moved.row_graded = 'provisional' then moved.rank_position end
            as rank_position,
        case
            when not moved.is_eligible and moved.row_graded = 'graded' then null
            when moved.row_graded = 'graded' and next_judged.clears then 0
            when moved.row_graded = 'graded' then next_line.clear_value - moved.score
            when moved.row_graded = 'provisional' then next_line.reach_value - moved.score
        end as gap_up,
        case
            when own_line.miss_value is not null and (moved.is_eligible or moved.row_graded = 'provisional')
                then greatest(moved.score - own_line.miss_value, 0)
        end as gap_down,
        moved.from_tier,
        moved.from_graded,
        moved.is_new,
        moved.is_change,
        coalesce(runs_kept.runs, []) as runs,

        -- the change, since the day before its run began
        case when moved.is_change then coalesce(moved.led_since, moved.as_of) end as changed_from,
        case
            when not moved.is_change then null
            when moved.is_led_by_run then moved.led_score_before
            else compared.score_before
        end as score_before,
        {% for part in parts_of_a_change() %}
            case when moved.is_change then coalesce(moved.led_part_{{ part }}, compared.part_{{ part }}) end
                as part_{{ part }},
        {% endfor %}
        case
            when not moved.is_change then null
            when moved.is_led_by_run then moved.led_line_before
            else own_line_before.line_value
        end as line_before,
        case
            when not moved.is_change then null
            when moved.is_led_by_run then moved.led_line_now
            else own_line.line_value
        end as line_now
    from moved
    left join runs_kept
        on moved.policy = runs_kept.policy and moved.customer_key = runs_kept.customer_key
    left join compared
        on moved.policy = compared.policy and moved.customer_key = compared.customer_key
    left join lines as own_line
        on
            own_line.counted_more = 0
            and moved.policy = own_line.policy
            and moved.policy_version = own_line.policy_version
            and moved.as_of = own_line.as_of
            and moved.group_name = own_line.group_name
            and moved.tier = own_line.tier
    left join lines as own_line_before
        on
            own_line_before.counted_more = 0
            and moved.policy = own_line_before.policy
            and moved.previous_version = own_line_before.policy_version
            and moved.previous_as_of = own_line_before.as_of
            and moved.group_name = own_line_before.group_name
            and moved.tier = own_line_before.tier
    left join tiers as next_tier
        on moved.policy = next_tier.policy and moved.final_rank - 1 = next_tier.tier_rank
    left join lines as next_line
        on
            -- who has nothing is not counted by a share, and would be
            next_line.counted_more = case
                when moved.is_eligible and moved.score <= 0 then 1 else 0
            end
            and moved.policy = next_line.policy
            and moved.policy_version = next_line.policy_version
            and moved.as_of = next_line.as_of
            and moved.group_name = next_line.group_name
            and next_tier.tier = next_line.tier
    left join judged as next_judged
        on
            moved.policy = next_judged.policy
            and moved.customer_key = next_judged.customer_key
            and moved.final_rank - 1 = next_judged.tier_rank
)

select * from decided
