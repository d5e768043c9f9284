-- Grain: one row per decided day of the run, and the one it starts from. Which value model holds: the last one fitted
-- by then, unless its fit failed. One that found too few data forecasts nothing, and the next one starts from nothing.
with

days as (
    select as_of from {{ source('inputs', 'run_days') }}
    union
    select max(as_of) as as_of from {{ source('inputs', 'customer_values') }} having max(as_of) is not null
),

fits as (
    select *
    from {{ source('inputs', 'model_cards') }}
    where status <> 'failed'
),

last_fits as (
    select
        days.as_of,
        max(fits.fitted_on) as fitted_on
    from days
    left join fits
        on days.as_of >= fits.fitted_on
    group by days.as_of
),

holding as (
    select
        last_fits.as_of,
        fits.model_id,
        fits.p,
        fits.q,
        fits.v,
        fits.margin
    from last_fits
    left join fits
        on last_fits.fitted_on = fits.fitted_on and fits.status <> 'not_fitted'
),

followed as (
    select
        *,
        lag(as_of) over (order by as_of) as previous_as_of,
        lag(model_id) over (order by as_of) as previous_model_id
    from holding
),

in_force as (
    select
        *,
        previous_as_of is not null and coalesce(model_id, '') <> coalesce(previous_model_id, '') as is_another
    from followed
)

select * from in_force
