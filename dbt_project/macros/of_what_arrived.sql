-- On a table that goes on from another night's: only the rows of what something arrived about since.
{% macro of_what_arrived(stream) %}
    {%- if is_incremental() -%}
        where version_of in (select arrived.version_of from {{ source('inputs', 'arrived_' ~ stream) }} as arrived)
    {%- endif -%}
{% endmacro %}
