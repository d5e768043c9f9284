select * from {{ source('inputs', 'ops_runs') }}
