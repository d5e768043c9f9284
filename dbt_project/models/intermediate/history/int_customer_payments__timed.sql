-- Grain: one row per as_of, basis and customer of whom a payment was due in the last 12 months.
-- What is due on a day can be paid until that day ends; what is not paid by then is late, for good.
with

linked as (
    select
        customers.customer_key,
        {{ round_money('payments.original_amount') }} as amount,
        payments.due_on,
        payments.paid_on,
        payments.replaced_on,
        -- one that was known before its customer waited for them
        greatest(payments.known_on, customers.known_on) as known_on
    from {{ ref('stg_payments') }} as payments
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on payments.customer_source = customers.source and payments.customer_id = customers.customer_id
),

due as (
    select
        asked.as_of,
        asked.basis,
        linked.customer_key,
        sum(linked.amount) as due_12m,
        sum(case when linked.paid_on <= linked.due_on then linked.amount else 0 end) as paid_in_time_12m
    from linked
    inner join {{ ref('int_customers__asked') }} as asked
        on
            linked.customer_key = asked.customer_key
            and {{ stands_on('linked', 'asked.as_of', 'due_on', 'asked.happened_by') }}
            and {{ within_days('linked.due_on', 'asked.window_ends_on', 365) }}
    group by asked.as_of, asked.basis, linked.customer_key
),

timed as (
    select
        as_of,
        basis,
        customer_key,
        case
            when due_12m > 0
                then {{ ratio_half_even(in_units('paid_in_time_12m', 2), in_units('due_12m', 2), 4) }}
        end as payment_timeliness_12m
    from due
)

select * from timed
