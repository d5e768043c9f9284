-- Grain: one row per version of a payment and stretch of days on which its rate stood.
-- Whose it is, and what it is worth in the reporting currency at the rate of the day it is due; without a rate that is
-- not known. What was asked for before it is due is credit until then, whenever it is paid.
with

rated as (
    select
        payments.*,
        rates.exchange_rate,
        payments.currency <> company.currency as is_in_another,
        greatest(payments.known_on, rates.known_on) as rated_from,
        least(payments.replaced_on, rates.replaced_on) as rated_until
    from {{ ref('stg_payments') }} as payments
    cross join {{ source('inputs', 'company') }} as company
    left join {{ ref('int_exchange_rates__dated') }} as rates
        on
            payments.currency = rates.currency
            and payments.due_on = rates.rate_on
            and rates.known_on < {{ until('payments.replaced_on') }}
            and payments.known_on < {{ until('rates.replaced_on') }}
),

valued as (
    select
        -- ids
        customers.customer_key,
        rated.source,
        rated.payment_id,
        rated.order_id,

        -- money
        rated.original_amount,
        rated.currency,
        case when rated.is_in_another then rated.exchange_rate else cast(1 as decimal(18, 8)) end as exchange_rate,
        {{ in_company_money('rated.original_amount', 'rated') }} as amount,

        -- times
        cast({{ dbt.datediff('rated.issued_on', 'rated.due_on', 'day') }} as integer) as credit_days,
        rated.due_on,
        rated.paid_at,
        rated.paid_on,
        greatest(rated.rated_from, customers.known_on) as known_on,  -- it ignores nulls: nobody is known yet
        rated.rated_until as replaced_on
    from rated
    left join {{ ref('int_customer_ids__keyed') }} as customers
        on rated.customer_source = customers.source and rated.customer_id = customers.customer_id
)

select * from valued
where known_on < {{ until('replaced_on') }}  -- what was replaced before anybody knew the customer never was theirs
