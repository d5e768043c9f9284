-- Grain: one row per as_of, basis and customer of whom a payment was due in the last 12 months.
-- What is due on a day can be paid until that day ends; what is not paid by then is late, for good.
with

due as (
    select
        asked.as_of,
        asked.basis,
        payments.customer_key,
        sum(payments.amount) as due_12m,
        sum(case when payments.paid_on <= payments.due_on then payments.amount else 0 end) as paid_in_time_12m
    from {{ ref('int_payments__valued') }} as payments
    inner join {{ ref('int_customers__asked') }} as asked
        on
            payments.customer_key = asked.customer_key
            and {{ stands_on('payments', 'asked.as_of', 'due_on', 'asked.happened_by') }}
            and {{ within_days('payments.due_on', 'asked.window_ends_on', 365) }}
    group by asked.as_of, asked.basis, payments.customer_key
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
