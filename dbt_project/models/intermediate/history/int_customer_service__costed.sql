-- Grain: one row per as_of, basis and customer for whom something that has a rate was done in the last 12 months.
-- What it cost to serve them: what was done, times the rate of the day on which it was done. What the company has no
-- rate for is no cost; of what it has one for only since a later day, the cost is not known. Of credit that was granted
-- one is a day on which 1,000 are owed, and it counts on the day that the payment is due.
with

rates as (
    select
        days.as_of,
        rates.activity,
        rates.unit_cost,
        rates.unit_cost * rates.sensitivity as unit_spread,
        rates.starts_on,
        lead(rates.starts_on) over (
            partition by days.as_of, rates.activity order by rates.starts_on, rates.source
        ) as ends_before
    from {{ ref('stg_activity_rates') }} as rates
    inner join {{ source('inputs', 'run_days') }} as days
        on {{ stands_on('rates', 'days.as_of') }}
),

priced as (
    select distinct
        as_of,
        activity
    from rates
),

for_orders as (  -- where nothing is said of orders, nobody's lines are read
    select distinct as_of
    from priced
    where activity in ('order', 'rush_order', 'refund')
),

interactions as (
    select
        asked.as_of,
        asked.basis,
        asked.customer_key,
        interactions.kind as activity,
        interactions.occurred_on as done_on,
        1 as times
    from {{ ref('stg_interactions') }} as interactions
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on interactions.customer_source = customers.source and interactions.customer_id = customers.customer_id
    inner join {{ ref('int_customers__asked') }} as asked
        on
            customers.customer_key = asked.customer_key
            and customers.known_on <= asked.as_of
            and {{ stands_on('interactions', 'asked.as_of', 'occurred_on', 'asked.happened_by') }}
            and {{ within_days('interactions.occurred_on', 'asked.window_ends_on', 365) }}
),

orders as (
    select
        asked.as_of,
        asked.basis,
        asked.customer_key,
        case when lines.kind = 'sale' then 'order' else 'refund' end as activity,
        min(lines.ordered_on) as done_on,
        max(case when lines.is_rush and lines.kind = 'sale' then 1 else 0 end) as is_rush
    from {{ ref('int_order_lines__valued') }} as lines
    inner join {{ ref('int_customers__asked') }} as asked
        on
            lines.customer_key = asked.customer_key
            and {{ stands_on('lines', 'asked.as_of', 'ordered_on', 'asked.happened_by') }}
            and {{ within_days('lines.ordered_on', 'asked.window_ends_on', 365) }}
    inner join for_orders
        on asked.as_of = for_orders.as_of
    where lines.is_counted and lines.kind in ('sale', 'refund')
    group by
        asked.as_of, asked.basis, asked.customer_key, lines.source, lines.order_id,
        case when lines.kind = 'sale' then 'order' else 'refund' end
),

credit as (  -- in days on which 1,000 are owed
    select
        asked.as_of,
        asked.basis,
        asked.customer_key,
        'credit_day' as activity,
        payments.due_on as done_on,
        cast(payments.amount * payments.credit_days * cast(0.001 as decimal(4, 3)) as decimal(28, 5)) as times
    from {{ ref('int_payments__valued') }} as payments
    inner join {{ ref('int_customers__asked') }} as asked
        on
            payments.customer_key = asked.customer_key
            and {{ stands_on('payments', 'asked.as_of', 'due_on', 'asked.happened_by') }}
            and {{ within_days('payments.due_on', 'asked.window_ends_on', 365) }}
    where payments.credit_days > 0
),

done as (
    select * from interactions

    union all

    select * from credit

    union all

    select
        as_of,
        basis,
        customer_key,
        activity,
        done_on,
        1 as times
    from orders

    union all

    select
        as_of,
        basis,
        customer_key,
        'rush_order' as activity,
        done_on,
        is_rush as times
    from orders
    where is_rush = 1
),

costed as (
    select
        done.as_of,
        done.basis,
        done.customer_key,
        sum(done.times * rates.unit_cost) as cost,
        sum(done.times * rates.unit_spread) as spread,
        sum(case when rates.activity is null or done.times is null then 1 else 0 end) as unknown
    from done
    inner join priced
        on done.as_of = priced.as_of and done.activity = priced.activity
    left join rates
        on
            done.as_of = rates.as_of
            and done.activity = rates.activity
            and done.done_on >= rates.starts_on
            and done.done_on < {{ until('rates.ends_before') }}
    group by done.as_of, done.basis, done.customer_key
),

in_money as (
    select
        as_of,
        basis,
        customer_key,
        case when unknown = 0 then {{ round_money('cost') }} end as cost_to_serve_12m,
        case when unknown = 0 then {{ round_money('spread') }} end as cost_to_serve_spread_12m
    from costed
)

select * from in_money
