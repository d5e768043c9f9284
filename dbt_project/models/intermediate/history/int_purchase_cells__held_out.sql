-- Grain: one row per day of a fit and distinct purchase history as it was when the hold-out began.
-- Of the time since anybody's first purchase the last quarter is held out, half a year at most: what was bought before
-- is what a model may know, what was bought since is what it has to forecast.
with

days as (
    select
        days.as_of,
        days.customer_key,
        days.purchased_on
    from {{ ref('int_customer_days__netted') }} as days
    inner join {{ source('inputs', 'fit_days') }} as fit_days
        on days.as_of = fit_days.as_of
    where days.basis = 'day' and days.net_amount > 0
),

began as (
    select
        as_of,
        min(purchased_on) as first_purchased_on
    from days
    group by as_of
),

held_out as (
    select
        as_of,
        cast(
            {{ dbt.dateadd(
                'day', '-least(182, ' ~ dbt.datediff('first_purchased_on', 'as_of', 'day') ~ ' // 4)', 'as_of'
            ) }} as date
        ) as held_out_from
    from began
),

summed as (
    select
        days.as_of,
        held_out.held_out_from,
        days.customer_key,
        min(days.purchased_on) as first_purchased_on,
        max(case when days.purchased_on <= held_out.held_out_from then days.purchased_on end) as last_purchased_on,
        sum(case when days.purchased_on <= held_out.held_out_from then 1 else 0 end) as purchase_days,
        sum(case when days.purchased_on > held_out.held_out_from then 1 else 0 end) as came
    from days
    inner join held_out
        on days.as_of = held_out.as_of
    group by days.as_of, held_out.held_out_from, days.customer_key
),

counted as (
    select
        as_of,
        held_out_from,
        cast(purchase_days - 1 as bigint) as repeat_purchases,
        cast({{ dbt.datediff('first_purchased_on', 'last_purchased_on', 'day') }} as bigint)
            as age_at_last_purchase_days,
        cast({{ dbt.datediff('first_purchased_on', 'held_out_from', 'day') }} as bigint) as age_days,
        count(*) as customers,
        cast(sum(came) as bigint) as came
    from summed
    where last_purchased_on is not null  -- who first bought since is nobody's forecast
    group by
        as_of,
        held_out_from,
        purchase_days,
        {{ dbt.datediff('first_purchased_on', 'last_purchased_on', 'day') }},
        {{ dbt.datediff('first_purchased_on', 'held_out_from', 'day') }}
)

select * from counted
