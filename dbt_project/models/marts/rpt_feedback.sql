-- What customers said of their own accord, by month: praise and suggestions are feedback as complaints are.
with

said as (
    select
        cast({{ dbt.date_trunc('month', 'occurred_on') }} as date) as month_starts_on,
        kind,
        coalesce(topic, 'unknown') as topic,
        coalesce(channel, 'unknown') as channel,
        customer_key
    from {{ ref('fct_interactions') }}
    where kind in ('complaint', 'praise', 'suggestion')
),

feedback as (
    select
        month_starts_on,
        kind,
        topic,
        channel,
        count(*) as interactions,
        count(distinct customer_key) as customers
    from said
    group by month_starts_on, kind, topic, channel
)

select * from feedback
