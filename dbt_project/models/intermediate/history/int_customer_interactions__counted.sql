-- Grain: one row per as_of, basis and customer with an interaction in the last 12 months.
with

linked as (
    select
        customers.customer_key,
        interactions.kind,
        interactions.occurred_on,
        interactions.replaced_on,
        -- one that was known before its customer waited for them
        greatest(interactions.known_on, customers.known_on) as known_on
    from {{ ref('stg_interactions') }} as interactions
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on interactions.customer_source = customers.source and interactions.customer_id = customers.customer_id
),

counted as (
    select
        asked.as_of,
        asked.basis,
        linked.customer_key,
        cast(sum(
            case when {{ within_days('linked.occurred_on', 'asked.window_ends_on', 90) }} then 1 else 0 end
        ) as bigint) as interactions_90d,
        cast(count(*) as bigint) as interactions_12m,
        cast(sum(case when linked.kind = 'complaint' then 1 else 0 end) as bigint) as complaints_12m,
        cast(sum(case when linked.kind = 'referral' then 1 else 0 end) as bigint) as referrals_12m,
        cast(count(distinct linked.occurred_on) as bigint) as contact_days_12m
    from linked
    inner join {{ ref('int_customers__asked') }} as asked
        on
            linked.customer_key = asked.customer_key
            and {{ stands_on('linked', 'asked.as_of', 'occurred_on', 'asked.happened_by') }}
            and {{ within_days('linked.occurred_on', 'asked.window_ends_on', 365) }}
    group by asked.as_of, asked.basis, linked.customer_key
)

select * from counted
