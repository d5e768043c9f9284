-- Grain: one row per as_of and customer known by then. Who a customer is: what the record first known says that day.
-- The day that the run starts from is described too: what moved since is held against it.
with

days as (
    select as_of
    from {{ source('inputs', 'run_days') }}

    union

    select as_of
    from {{ source('inputs', 'customer_values') }}
),

known as (
    select
        days.as_of,
        ids.customer_key,
        min(ids.known_on) as known_on,
        min_by(ids.source, (ids.known_on, ids.source, ids.customer_id)) as source,
        min_by(ids.customer_id, (ids.known_on, ids.source, ids.customer_id)) as customer_id
    from {{ ref('int_customer_ids__keyed') }} as ids
    inner join days
        on ids.known_on <= days.as_of
    group by days.as_of, ids.customer_key
),

described as (
    select
        -- ids
        known.as_of,
        known.customer_key,
        known.source,
        known.customer_id,
        records.account_manager_id,

        -- who they are
        records.subject_type,
        records.industry,
        records.region,
        records.company_size,
        records.channel,

        -- times
        known.known_on,
        records.created_at
    from known
    left join {{ ref('stg_customers') }} as records
        on
            known.source = records.source
            and known.customer_id = records.customer_id
            and {{ stands_on('records', 'known.as_of') }}
)

select * from described
