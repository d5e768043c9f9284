-- Grain: one row per as_of, basis and customer known by then. Who is valued, on what: everybody for the day itself, and
-- for what led to it only whom a row touched.
with

known as (
    select
        days.as_of,
        ids.customer_key,
        min(ids.known_on) as known_on
    from {{ ref('int_customer_ids__keyed') }} as ids
    inner join {{ source('inputs', 'run_days') }} as days
        on ids.known_on <= days.as_of
    group by days.as_of, ids.customer_key
),

asked as (
    select
        known.*,
        valuations.basis,
        valuations.window_ends_on,
        valuations.happened_by
    from known
    inner join {{ ref('int_valuations__asked') }} as valuations
        on known.as_of = valuations.as_of
    where valuations.basis = 'day'

    union all

    select
        known.*,
        valuations.basis,
        valuations.window_ends_on,
        valuations.happened_by
    from known
    inner join {{ ref('int_customers__touched') }} as touched
        on known.as_of = touched.as_of and known.customer_key = touched.customer_key
    inner join {{ ref('int_valuations__asked') }} as valuations
        on touched.as_of = valuations.as_of and touched.basis = valuations.basis
)

select * from asked
