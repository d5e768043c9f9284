-- Grain: one row per as_of and customer with an interaction in the last 12 months.
with

counted as (
    select
        days.as_of,
        customers.customer_key,
        cast(sum(case when {{ within_days('interactions.occurred_on', 'days.as_of', 90) }} then 1 else 0 end) as bigint)
            as interactions_90d,
        cast(count(*) as bigint) as interactions_12m,
        cast(sum(case when interactions.kind = 'complaint' then 1 else 0 end) as bigint) as complaints_12m
    from {{ ref('stg_interactions') }} as interactions
    inner join {{ source('inputs', 'run_days') }} as days
        on
            {{ stands_on('interactions', 'days.as_of') }}
            and {{ within_days('interactions.occurred_on', 'days.as_of', 365) }}
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on
            interactions.customer_source = customers.source
            and interactions.customer_id = customers.customer_id
            and days.as_of >= customers.known_on
    group by days.as_of, customers.customer_key
)

select * from counted
