-- Each issue as it stands on the release's day: when it was opened, answered for the first time and told. One that
-- was opened again is open until it is resolved again. An issue whose first event is missing began with the next.
-- What was promised is the target of its customer's tier on the day it was opened, as it is known on the release's day.
with

days as (
    select
        {{ latest_day() }} as as_of,
        {{ day_ends_at(latest_day(), 'company.time_zone') }} as ends_at
    from {{ source('inputs', 'company') }} as company
),

targets as (
    select
        targets.tier,
        targets.first_response_minutes,
        targets.resolution_minutes,
        targets.starts_on,
        lead(targets.starts_on) over (
            partition by targets.tier order by targets.starts_on, targets.source
        ) as ends_before
    from {{ ref('stg_service_targets') }} as targets
    inner join days
        on {{ stands_on('targets', 'days.as_of') }}
),

events as (
    select
        days.as_of,
        days.ends_at,
        events.*,
        row_number() over (
            partition by events.source, events.issue_id
            order by events.occurred_at asc, events.event_number asc
        ) as place,
        row_number() over (
            partition by events.source, events.issue_id
            order by events.occurred_at desc, events.event_number desc
        ) as place_from_the_end,
        {{ last_reopened('events', ['events.source', 'events.issue_id']) }} as reopened_at
    from {{ ref('stg_issue_events') }} as events
    inner join days
        on {{ stands_on('events', 'days.as_of', 'occurred_on') }}
),

told as (
    select
        as_of,
        ends_at,
        source,
        issue_id,
        max_by(customer_source, (occurred_at, event_number)) as customer_source,
        max_by(customer_id, (occurred_at, event_number)) as customer_id,
        min(occurred_at) as opened_at,
        min(occurred_on) as opened_on,
        max(occurred_at) as last_event_at,
        min(case when place > 1 and status in ('responded', 'resolved', 'closed') then occurred_at end)
            as first_response_at,
        {{ first_resolved('occurred_at') }} as resolved_at,
        max(case when place_from_the_end = 1 then status end) as status,
        max_by(severity, (occurred_at, event_number)) filter (where severity is not null) as severity,
        max_by(topic, (occurred_at, event_number)) filter (where topic is not null) as topic,
        max_by(channel, (occurred_at, event_number)) filter (where channel is not null) as channel,
        count(*) as events,
        sum(case when is_reopening then 1 else 0 end) as times_reopened
    from events
    group by as_of, ends_at, source, issue_id
),

decided_before as (
    {{ decided_before('told', 'opened_on') }}
),

issues as (
    select
        told.source,
        told.issue_id,
        customers.customer_key,
        customers.customer_key is not null as is_linked,
        told.status,
        told.resolved_at is null as is_open,
        told.severity,
        told.topic,
        told.channel,
        told.opened_at,
        told.opened_on,
        told.first_response_at,
        told.resolved_at,
        cast(told.times_reopened as bigint) as times_reopened,
        cast(told.events as bigint) as events,
        cast(
            {{ dbt.datediff('told.opened_at', 'told.first_response_at', 'minute') }} as bigint
        ) as minutes_to_first_response,
        cast({{ dbt.datediff('told.opened_at', 'told.resolved_at', 'minute') }} as bigint)
            as minutes_to_resolution,
        cast(
            {{ dbt.datediff('told.opened_on', 'told.as_of', 'day') }} as bigint
        ) as age_days,
        tiers.tier as tier_at_opening,
        case when own.tier is not null then own.first_response_minutes else anybodys.first_response_minutes end
            as first_response_target_minutes,
        case when own.tier is not null then own.resolution_minutes else anybodys.resolution_minutes end
            as resolution_target_minutes,
        cast({{ dbt.datediff('told.opened_at', 'told.ends_at', 'minute') }} as bigint) as minutes_so_far
    from told
    left join {{ ref('dim_customer_ids') }} as customers
        on told.customer_source = customers.source and told.customer_id = customers.customer_id
    left join decided_before
        on told.opened_on = decided_before.opened_on
    left join {{ ref('tier_history') }} as tiers
        on {{ held_before('tiers', 'customers.customer_key') }}
    {% for whose, tier in [('own', 'tiers.tier'), ('anybodys', "'any'")] %}
        left join targets as {{ whose }}
            on
                {{ tier }} = {{ whose }}.tier
                and told.opened_on >= {{ whose }}.starts_on
                and told.opened_on < {{ until(whose ~ '.ends_before') }}
    {% endfor %}
),

kept as (  -- what is not done yet is late as soon as its time is over, and before that undecided
    select
        * exclude (minutes_so_far),
        case
            when minutes_to_first_response is not null
                then minutes_to_first_response <= first_response_target_minutes
            when minutes_so_far > first_response_target_minutes then false
        end as is_first_response_in_time,
        case
            when minutes_to_resolution is not null then minutes_to_resolution <= resolution_target_minutes
            when minutes_so_far > resolution_target_minutes then false
        end as is_resolution_in_time
    from issues
)

select * from kept
