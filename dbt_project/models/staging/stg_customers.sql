-- Grain: one row per version of a customer record that stood on some day.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='version_of') }}
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

        -- which version it is
        {{ version_columns('versions') }}
        replaced_on
    from versions
)

select * from cleaned
{{ and_those_before('customers') }}
