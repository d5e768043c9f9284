-- Each payment as it stands on the release's day. What is not paid and was due grows later every day.
with

days as (
    select {{ latest_day() }} as as_of
),

standing as (
    select
        days.as_of,
        payments.*,
        payments.paid_on is not null as is_paid,
        coalesce(payments.paid_on, days.as_of) as paid_or_seen_on
    from {{ ref('int_payments__valued') }} as payments
    inner join days
        on {{ stands_on('payments', 'days.as_of') }}
),

payments as (
    select
        standing.source,
        standing.payment_id,
        standing.customer_key,
        standing.customer_key is not null as is_linked,
        standing.order_id,
        standing.original_amount,
        standing.currency,
        standing.exchange_rate,
        standing.amount,
        standing.credit_days,
        standing.due_on,
        standing.paid_at,
        standing.paid_on,
        standing.is_paid,
        case
            when standing.is_paid or standing.due_on <= standing.as_of
                then cast({{ dbt.datediff('standing.due_on', 'standing.paid_or_seen_on', 'day') }} as bigint)
        end as days_late,
        case
            when standing.is_paid then standing.paid_on > standing.due_on
            when standing.due_on <= standing.as_of then true
        end as is_late
    from standing
)

select * from payments
