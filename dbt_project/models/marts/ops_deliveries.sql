select * from {{ source('inputs', 'ops_deliveries') }}
