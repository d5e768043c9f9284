-- The day a release describes: the last day of the run.
{% macro latest_day() -%}
    (select max(run_days.as_of) from {{ source('inputs', 'run_days') }} as run_days)
{%- endmacro %}
