-- Grain: one row per as_of and basis. Which valuations the run's days ask for.
-- Beside what a day is worth (`day`), what led to it from the day decided before: the past as it is known since
-- (`corrected`), and then the same past seen through the windows of the new day (`slid`). A day builds on the values of
-- the day before it, unless others made them; one on which the value model is fitted values everybody anew.
with

parent as (
    select max(as_of) as as_of
    from {{ source('inputs', 'customer_values') }}
),

days as (
    select
        days.as_of,
        coalesce(lag(days.as_of) over (order by days.as_of), parent.as_of) as day_before,
        case
            when fit_days.as_of is null
                then coalesce(lag(days.as_of) over (order by days.as_of), carried.as_of)
        end as builds_on
    from {{ source('inputs', 'run_days') }} as days
    cross join parent
    left join {{ source('inputs', 'carried_days') }} as carried
        on parent.as_of = carried.as_of
    left join {{ source('inputs', 'fit_days') }} as fit_days
        on days.as_of = fit_days.as_of
),

asked as (
    select
        as_of,
        'day' as basis,
        as_of as window_ends_on,
        as_of as happened_by,
        builds_on
    from days

    union all

    select
        as_of,
        'corrected' as basis,
        day_before as window_ends_on,
        day_before as happened_by,
        cast(null as date) as builds_on
    from days
    where day_before is not null

    union all

    select
        as_of,
        'slid' as basis,
        as_of as window_ends_on,
        day_before as happened_by,
        cast(null as date) as builds_on
    from days
    where day_before is not null
)

select * from asked
