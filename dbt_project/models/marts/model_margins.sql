with

margins as (
    select *
    from {{ source('inputs', 'model_margins') }}
)

select * from margins
