-- Grain: one row per version of an override. Every version stays: one that goes back to its author replaces nothing,
-- and whether it goes back is judged where all overrides are known.
with

versions as (
    select
        *,
        coalesce(customer_source, source) as whose_customer
    from {{ source('inputs', 'tier_overrides') }}
    where left_out_because is null
),

numbered as (
    select
        *,
        row_number() over (
            partition by source, policy, whose_customer, customer_id, {{ adapter.quote('from') }}
            order by
                version_updated_at asc nulls first,
                claimed_on asc nulls first,
                accepted_order asc,
                row_number asc
        ) as version
    from versions
),

cleaned as (
    select
        -- ids
        source,
        policy,
        whose_customer as customer_source,
        customer_id,
        delivery_id,
        row_number,
        version,

        -- what was decided
        tier,
        {{ clean_text('reason') }} as reason,
        {{ clean_text('author') }} as author,

        -- times
        {{ adapter.quote('from') }} as starts_on,
        {{ adapter.quote('until') }} as ends_on,
        known_on,

        -- which version is the newest
        version_updated_at as updated_at,
        claimed_on,
        accepted_order
    from numbered
)

select * from cleaned
