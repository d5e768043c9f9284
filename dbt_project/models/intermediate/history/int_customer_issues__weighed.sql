-- Grain: one row per as_of, basis and customer of whom an issue is told.
-- How many issues are open, and what those of the last 12 months weigh: low 1, medium 2, high 4, critical 8, and as
-- much again once it took longer than 7 days to resolve, and once more after 30. What has no end yet is not forgotten.
with

events as (
    select
        asked.as_of,
        asked.basis,
        asked.window_ends_on,
        events.customer_key,
        events.source,
        events.issue_id,
        events.event_number,
        events.status,
        events.severity,
        events.is_reopening,
        events.is_theirs,
        events.occurred_at,
        events.occurred_on,
        {{ last_reopened(
            'events', ['asked.as_of', 'asked.basis', 'events.customer_key', 'events.source', 'events.issue_id']
        ) }} as reopened_at
    from {{ ref('int_issue_events__named') }} as events
    inner join {{ ref('int_customers__asked') }} as asked
        on
            events.customer_key = asked.customer_key
            and {{ stands_on('events', 'asked.as_of', 'occurred_on', 'asked.happened_by') }}
),

told as (
    select
        as_of,
        basis,
        window_ends_on,
        customer_key,
        max_by(is_theirs, (occurred_at, event_number)) as is_theirs,
        max_by(severity, case when severity is not null then (occurred_at, event_number) end) as severity,
        min(occurred_on) as opened_on,
        {{ first_resolved('occurred_on') }} as resolved_on
    from events
    group by as_of, basis, window_ends_on, customer_key, source, issue_id
),

lasting as (
    select
        as_of,
        basis,
        window_ends_on,
        customer_key,
        opened_on,
        case severity when 'low' then 1 when 'high' then 4 when 'critical' then 8 else 2 end as severity_weight,
        resolved_on is null as is_open,
        {{ dbt.datediff('opened_on', 'coalesce(resolved_on, window_ends_on)', 'day') }} as days
    from told
    where is_theirs
),

weighed as (
    select
        as_of,
        basis,
        customer_key,
        cast(sum(case when is_open then 1 else 0 end) as bigint) as open_issues,
        cast(sum(
            case
                when is_open or {{ within_days('opened_on', 'window_ends_on', 365) }}
                    then severity_weight * (case when days > 30 then 3 when days > 7 then 2 else 1 end)
                else 0
            end
        ) as bigint) as issue_weight_12m
    from lasting
    group by as_of, basis, customer_key
)

select * from weighed
