with

calibration as (
    select *
    from {{ source('inputs', 'model_calibration') }}
)

select * from calibration
