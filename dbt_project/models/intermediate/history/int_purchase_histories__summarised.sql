-- Grain: one row per as_of, basis and customer with a purchase. What BG/NBD, Gamma-Gamma and RFM ask about the past.
-- Several orders on one day are one purchase, and only days with positive net spend are purchases.
with

purchases as (
    select
        days.as_of,
        days.basis,
        days.customer_key,
        valuations.window_ends_on,
        days.purchased_on,
        days.net_amount,
        lag(days.purchased_on) over (
            partition by days.as_of, days.basis, days.customer_key order by days.purchased_on
        ) as purchased_before_on
    from {{ ref('int_customer_days__netted') }} as days
    inner join {{ ref('int_valuations__asked') }} as valuations
        on days.as_of = valuations.as_of and days.basis = valuations.basis
    where days.net_amount > 0
),

summed as (
    select
        as_of,
        basis,
        customer_key,
        window_ends_on,
        min(purchased_on) as first_purchased_on,
        max(purchased_on) as last_purchased_on,
        count(*) as purchase_days,
        percentile_disc(0.9) within group (
            order by {{ dbt.datediff('purchased_before_on', 'purchased_on', 'day') }}
        ) as ninth_decile_of_gaps,
        max(purchased_before_on) as last_but_one_purchased_on,
        sum(case when {{ within_days('purchased_on', 'window_ends_on', 365) }} then 1 else 0 end) as purchase_days_12m,
        cast(
            cast(sum(net_amount) - min_by(net_amount, purchased_on) as decimal(18, 2)) * 100 as bigint
        ) as repeat_cents
    from purchases
    group by as_of, basis, customer_key, window_ends_on
),

summarised as (
    select
        as_of,
        basis,
        customer_key,
        first_purchased_on,
        last_purchased_on,
        cast(purchase_days_12m as bigint) as purchase_days_12m,
        cast(purchase_days - 1 as bigint) as repeat_purchases,
        cast({{ dbt.datediff('first_purchased_on', 'last_purchased_on', 'day') }} as bigint)
            as age_at_last_purchase_days,
        cast({{ dbt.datediff('first_purchased_on', 'window_ends_on', 'day') }} as bigint) as age_days,
        cast({{ dbt.datediff('last_purchased_on', 'window_ends_on', 'day') }} as bigint) as days_since_last_purchase,
        case
            when purchase_days > 1
                then cast(
                    cast({{ mean_half_even('repeat_cents', 'purchase_days - 1') }} as decimal(18, 0))
                    * cast(0.01 as decimal(3, 2)) as decimal(18, 2)
                )
        end as average_repeat_amount,
        cast(case when purchase_days > 4 then ninth_decile_of_gaps end as bigint) as usual_gap_days,
        cast({{ dbt.datediff('last_but_one_purchased_on', 'last_purchased_on', 'day') }} as bigint) as last_gap_days
    from summed
)

select * from summarised
