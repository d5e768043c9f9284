-- Every override that anybody ever gave, and what became of it by the day of the release.
with

known as (
    select
        *,
        {{ latest_day() }} as latest_day,
        case
            when dropped_on <= {{ latest_day() }} then 'unknown_tier'
            else sent_back_because
        end as goes_back_because
    from {{ ref('int_tier_overrides__judged') }}
    where known_on <= {{ latest_day() }}
),

reported as (
    select
        -- ids
        policy,
        customer_key,
        source,
        customer_source,
        customer_id,
        cast(version as integer) as version,

        -- what was decided, and by whom
        tier,
        reason,
        author,

        -- days
        starts_on,
        ends_on,
        known_on,
        case when replaced_on <= latest_day then replaced_on end as replaced_on,

        -- what became of it
        case
            when sent_back_because is not null then 'sent_back'
            when dropped_on <= latest_day then 'sent_back'
            when replaced_on <= latest_day then 'replaced'
            when ends_on < latest_day then 'expired'
            when starts_on > latest_day then 'upcoming'
            else 'in_force'
        end as status,
        goes_back_because as sent_back_because,
        {{ sent_back('goes_back_because', 'en') }} as sent_back_en,
        {{ sent_back('goes_back_because', 'zh') }} as sent_back_zh
    from known
)

select * from reported
