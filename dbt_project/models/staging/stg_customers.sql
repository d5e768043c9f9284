-- Grain: one row per version of a customer record that stood on some day.
with

versions as (
    {{ standing_versions('customers') }}
),

cleaned as (
    select
        -- ids
        source,
        customer_id,
        parent_customer_id,
        account_manager_id,

        -- who they are
        {{ clean_text('subject_type') }} as subject_type,
        {{ clean_text('industry') }} as industry,
        {{ clean_text('region') }} as region,
        {{ clean_text('company_size') }} as company_size,
        {{ clean_text('channel') }} as channel,

        -- times
        created_at,
        known_on,
        replaced_on
    from versions
)

select * from cleaned
