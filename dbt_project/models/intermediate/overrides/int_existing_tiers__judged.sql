-- Grain: one row per version of a tier held before. Which versions stand, and why the others go back to their authors.
with

policy_days as (
    select distinct
        as_of,
        policy
    from {{ ref('int_policy_tiers__dated') }}
),

known_policies as (
    select distinct policy
    from {{ ref('int_policy_days__decided') }}
),

named as (
    select
        existing.*,
        ids.customer_key
    from {{ ref('stg_existing_tiers') }} as existing
    left join {{ ref('int_customer_ids__keyed') }} as ids
        on
            existing.customer_source = ids.source
            and existing.customer_id = ids.customer_id
            and existing.known_on >= ids.known_on
),

-- The policy as it is on the first day that decides with the row; of one that pauses, as it was last.
dated as (
    select
        named.*,
        coalesce(next_day.as_of, last_day_before.as_of) as judged_on
    from named
    asof left join policy_days as next_day
        on named.policy = next_day.policy and named.known_on <= next_day.as_of
    asof left join policy_days as last_day_before
        on named.policy = last_day_before.policy and named.known_on > last_day_before.as_of
),

held_against_the_policy as (
    select
        dated.*,
        case
            when dated.customer_key is null then 'unknown_customer'
            when known_policies.policy is null then 'unknown_policy'
            when dated.judged_on is null then null
            when tiers.tier is null then 'unknown_tier'
            when tiers.rule_kind = 'manual' then 'manual_tier'
        end as sent_back_because
    from dated
    left join known_policies
        on dated.policy = known_policies.policy
    left join {{ ref('int_policy_tiers__dated') }} as tiers
        on dated.judged_on = tiers.as_of and dated.policy = tiers.policy and dated.tier = tiers.tier
),

placed as (
    select
        *,
        max(version) over (
            partition by source, policy, customer_source, customer_id
            order by known_on
            range between unbounded preceding and current row
        ) > version as is_outdated,
        row_number() over (
            partition by policy, customer_key
            order by
                known_on asc,
                updated_at asc nulls first,
                claimed_on asc nulls first,
                accepted_order asc,
                row_number asc
        ) as place
    from held_against_the_policy
    where sent_back_because is null
),

standing as (
    select
        delivery_id,
        row_number,
        case
            when is_outdated then known_on
            else lead(known_on) over (partition by policy, customer_key, is_outdated order by place)
        end as replaced_on
    from placed
),

judged as (
    select
        -- whose, and what
        named.policy,
        named.customer_key,
        named.tier,
        named.author,
        named.because,

        -- where it came from
        named.source,
        named.customer_source,
        named.customer_id,
        named.version,
        named.delivery_id,
        named.row_number,

        -- days
        named.known_on,
        standing.replaced_on,

        -- and whether it goes back
        named.sent_back_because
    from held_against_the_policy as named
    left join standing
        on named.delivery_id = standing.delivery_id and named.row_number = standing.row_number
)

select * from judged
