select * from {{ source('inputs', 'ops_quarantine') }}
