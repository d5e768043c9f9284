-- Grain: one row per as_of, basis and customer. The narrow rows, and on a day with another value model those of the
-- past once more (`refitted`): the past as it is known by then, for the new model to be put in.
{{ config(materialized='view') }}
with

refits as (
    select *
    from {{ ref('int_value_models__in_force') }}
    where is_another
),

corrected as (
    select valued.* replace ('refitted' as basis)
    from {{ ref('int_customers__valued') }} as valued
    inner join refits
        on valued.as_of = refits.as_of
    where valued.basis = 'corrected'
),

unchanged as (  -- whose past is known as it was
    select valued.* replace (refits.as_of as as_of, 'refitted' as basis)
    from {{ ref('int_customers__valued') }} as valued
    inner join refits
        on valued.as_of = refits.previous_as_of
    anti join corrected
        on refits.as_of = corrected.as_of and valued.customer_key = corrected.customer_key
    where valued.basis = 'day'
),

restated as (
    select * from {{ ref('int_customers__valued') }}
    union all by name
    select * from corrected
    union all by name
    select * from unchanged
)

select * from restated
