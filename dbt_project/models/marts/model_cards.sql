with

cards as (
    select *
    from {{ source('inputs', 'model_cards') }}
)

select * from cards
