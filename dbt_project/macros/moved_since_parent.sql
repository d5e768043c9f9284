-- A version began to stand after the parent's day, or ceased to.
{% macro moved_since_parent(row, happened_on) -%}
    (
        greatest({{ row }}.known_on, {{ row }}.{{ happened_on }}) > {{ parents_day() }}
        or {{ row }}.replaced_on > {{ parents_day() }}
    )
{%- endmacro %}

-- The day that the run starts from; null before the first.
{% macro parents_day() -%}
    (select max(parent.as_of) from {{ source('inputs', 'customer_values') }} as parent)
{%- endmacro %}

-- A fact table that goes on from its parent's takes out all that moved, before it puts in what stands of it now.
{% macro take_out(moved, key) %}
    {%- if is_incremental() %}
        delete from {{ this }}
        where ({{ key | join(', ') }}) in (select {{ key | join(', ') }} from {{ ref(moved) }})
    {%- endif %}
{% endmacro %}
