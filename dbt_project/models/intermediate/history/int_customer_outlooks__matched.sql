-- Grain: one row per as_of, basis and customer of whose industry a forecast is known.
-- The last forecast of the industry that the customer's record names that day, if it is not older than 730 days.
with

matched as (
    select
        asked.as_of,
        asked.basis,
        asked.customer_key,
        outlook.growth,
        row_number() over (
            partition by asked.as_of, asked.basis, asked.customer_key
            order by outlook.starts_on desc, outlook.source asc
        ) as place
    from {{ ref('int_customers__asked') }} as asked
    inner join {{ ref('int_customers__described') }} as described
        on asked.as_of = described.as_of and asked.customer_key = described.customer_key
    inner join {{ ref('stg_industry_outlook') }} as outlook
        on
            described.industry = outlook.industry
            and {{ stands_on('outlook', 'asked.as_of', 'starts_on', 'asked.happened_by') }}
            and {{ within_days('outlook.starts_on', 'asked.window_ends_on', 730) }}
),

latest as (
    select
        as_of,
        basis,
        customer_key,
        growth as industry_outlook_12m
    from matched
    where place = 1
)

select * from latest
