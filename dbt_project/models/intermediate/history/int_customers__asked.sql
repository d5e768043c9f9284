-- Grain: one row per as_of, basis and customer that is valued from its rows.
-- Whom a row touched; on a day that builds on no other, everybody known by then. Everybody else's value is carried on.
with

known as (
    select
        customer_key,
        min(known_on) as known_on
    from {{ ref('int_customer_ids__keyed') }}
    group by customer_key
),

everybody as (
    select
        valuations.as_of,
        valuations.basis,
        known.customer_key
    from {{ ref('int_valuations__asked') }} as valuations
    inner join known
        on valuations.as_of >= known.known_on
    where valuations.basis = 'day' and valuations.builds_on is null
),

touched as (
    select
        touched.as_of,
        touched.basis,
        touched.customer_key
    from {{ ref('int_customers__touched') }} as touched
    inner join {{ ref('int_valuations__asked') }} as valuations
        on touched.as_of = valuations.as_of and touched.basis = valuations.basis
    where valuations.basis <> 'day' or valuations.builds_on is not null
),

whom as (
    select * from everybody
    union all
    select * from touched
),

asked as (
    select
        whom.as_of,
        whom.customer_key,
        known.known_on,
        whom.basis,
        valuations.window_ends_on,
        valuations.happened_by
    from whom
    inner join known
        on whom.customer_key = known.customer_key and whom.as_of >= known.known_on
    inner join {{ ref('int_valuations__asked') }} as valuations
        on whom.as_of = valuations.as_of and whom.basis = valuations.basis
)

select * from asked
