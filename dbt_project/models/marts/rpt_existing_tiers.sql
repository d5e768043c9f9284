-- Every tier that a customer was said to hold before a policy's first night, and what became of it.
with

known as (
    select *
    from {{ ref('int_existing_tiers__judged') }}
    where known_on <= {{ latest_day() }}
),

first_nights as (
    select
        as_of,
        policy,
        customer_key,
        tier
    from {{ ref('int_tier_log__appended') }}
    where reason = 'existing'
),

applied as (
    select
        known.delivery_id,
        known.row_number,
        min(first_nights.as_of) as applied_on
    from known
    inner join first_nights
        on
            known.policy = first_nights.policy
            and known.customer_key = first_nights.customer_key
            and known.tier = first_nights.tier
            and known.known_on <= first_nights.as_of
            and {{ until('known.replaced_on') }} > first_nights.as_of
    group by known.delivery_id, known.row_number
),

reported as (
    select
        -- ids
        known.policy,
        known.customer_key,
        known.source,
        known.customer_source,
        known.customer_id,
        cast(known.version as integer) as version,

        -- what is held, and who says so
        known.tier,
        known.author,
        known.because,

        -- days
        known.known_on,
        case when known.replaced_on <= {{ latest_day() }} then known.replaced_on end as replaced_on,
        applied.applied_on,

        -- what became of it
        case
            when applied.applied_on is not null then 'applied'
            when known.sent_back_because is not null then 'sent_back'
            when known.replaced_on <= {{ latest_day() }} then 'replaced'
            else 'not_applied'
        end as status,
        case when applied.applied_on is null then known.sent_back_because end as sent_back_because,
        case when applied.applied_on is null then {{ sent_back('known.sent_back_because', 'en') }} end as sent_back_en,
        case when applied.applied_on is null then {{ sent_back('known.sent_back_because', 'zh') }} end as sent_back_zh
    from known
    left join applied
        on known.delivery_id = applied.delivery_id and known.row_number = applied.row_number
)

select * from reported
