-- Grain: one row per version of an event of an issue, and customer whom any event of that issue ever named.
-- An issue is whose its last event names: one event more makes a difference to everybody whom the issue named.
with

owned as (
    select
        events.*,
        customers.customer_key,
        customers.known_on as customer_known_on
    from {{ ref('stg_issue_events') }} as events
    left join {{ ref('int_customer_ids__keyed') }} as customers
        on events.customer_source = customers.source and events.customer_id = customers.customer_id
),

people as (
    select distinct
        source,
        issue_id,
        customer_key
    from owned
    where customer_key is not null
),

named as (
    select
        -- ids
        people.customer_key,
        owned.source,
        owned.issue_id,
        owned.event_number,

        -- kinds
        owned.status,
        owned.severity,
        owned.is_reopening,
        coalesce(owned.customer_key = people.customer_key, false) as is_theirs,

        -- times; one that was known before its customer waited for them
        owned.occurred_at,
        owned.occurred_on,
        case
            when owned.customer_key = people.customer_key then greatest(owned.known_on, owned.customer_known_on)
            else owned.known_on
        end as known_on,
        owned.replaced_on
    from owned
    inner join people
        on owned.source = people.source and owned.issue_id = people.issue_id
)

select * from named
where known_on < {{ until('replaced_on') }}  -- what was replaced before anybody knew the customer never was theirs
