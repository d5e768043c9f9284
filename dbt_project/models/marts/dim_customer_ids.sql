with

mapped as (
    select
        source,
        customer_id,
        customer_key,
        known_on,
        'own record' as because
    from {{ ref('int_customer_ids__keyed') }}
    where known_on <= {{ latest_day() }}
)

select * from mapped
