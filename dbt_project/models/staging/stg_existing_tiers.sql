-- Grain: one row per version of a tier held before. Every version stays: one that goes back to its author replaces
-- nothing, and whether it goes back is judged where the policies are known.
with

versions as (
    select
        *,
        coalesce(customer_source, source) as whose_customer
    from {{ source('inputs', 'existing_tiers') }}
    where left_out_because is null
),

numbered as (
    select
        *,
        row_number() over (
            partition by source, policy, whose_customer, customer_id
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

        -- what is held
        tier,
        {{ clean_text('author') }} as author,
        {{ clean_text('because') }} as because,

        -- times
        known_on,

        -- which version is the newest
        version_updated_at as updated_at,
        claimed_on,
        accepted_order
    from numbered
)

select * from cleaned
