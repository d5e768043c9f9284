with

days as (
    select {{ latest_day() }} as as_of
),

known as (
    select
        ids.customer_key,
        min(ids.known_on) as known_on,
        min_by(ids.source, (ids.known_on, ids.source, ids.customer_id)) as source,
        min_by(ids.customer_id, (ids.known_on, ids.source, ids.customer_id)) as customer_id
    from {{ ref('int_customer_ids__keyed') }} as ids
    inner join days
        on ids.known_on <= days.as_of
    group by ids.customer_key
),

records as (
    select customers.*
    from {{ ref('stg_customers') }} as customers
    inner join days
        on {{ stands_on('customers', 'days.as_of') }}
),

tiers as (
    select tiers.*
    from {{ ref('dim_customer_tiers') }} as tiers
    inner join {{ source('inputs', 'policies') }} as policies
        on tiers.policy = policies.policy
    where policies.is_primary
),

described as (
    select
        known.customer_key,
        days.as_of,
        known.source,
        known.customer_id,
        known.known_on,
        records.subject_type,
        records.industry,
        records.region,
        records.company_size,
        records.channel,
        records.account_manager_id,
        records.created_at,
        valued.first_sale_on,
        valued.last_purchased_on,
        valued.net_revenue_12m,
        valued.first_sale_on is null as is_prospect,
        tiers.policy,
        tiers.tier,
        tiers.tier_rank,
        tiers.graded,
        tiers.tier_since
    from known
    cross join days
    left join records
        on known.source = records.source and known.customer_id = records.customer_id
    left join {{ ref('int_customers__valued') }} as valued
        on days.as_of = valued.as_of and known.customer_key = valued.customer_key
    left join tiers
        on known.customer_key = tiers.customer_key
)

select * from described
