-- Grain: one row per currency, day and stretch of days on which the rate known for it was the same.
-- A rate holds from its day until the next one known, and no longer than the company allows. Of two sources that give
-- one for the same day, the alphabet decides. In a stretch in which none is known there is none: never 1 to 1.
with

offered as (
    select
        rates.currency,
        rates.source,
        rates.rate,
        rates.starts_on,
        {{ each_day(
            'cast(' ~ dbt.dateadd('day', -1, 'rates.starts_on') ~ ' as date)',
            'cast(' ~ dbt.dateadd('day', 'company.rate_days - 1', 'rates.starts_on') ~ ' as date)'
        ) }} as rate_on,
        rates.known_on,
        rates.replaced_on
    from {{ ref('stg_exchange_rates') }} as rates
    cross join {{ source('inputs', 'company') }} as company
    where rates.currency <> company.currency
),

turns as (  -- days on which the rate that is known may become another
    {{ turns_of('offered', ['currency', 'rate_on']) }}
),

standing as (
    select
        turns.currency,
        turns.rate_on,
        offered.rate,
        turns.known_on,
        turns.replaced_on,
        row_number() over (
            partition by turns.currency, turns.rate_on, turns.known_on
            order by offered.starts_on desc nulls last, offered.source asc
        ) as place
    from turns
    left join offered
        on
            turns.currency = offered.currency
            and turns.rate_on = offered.rate_on
            and {{ stands_on('offered', 'turns.known_on') }}
),

dated as (
    select
        currency,
        rate_on,
        rate as exchange_rate,
        known_on,
        replaced_on
    from standing
    where place = 1
)

select * from dated
