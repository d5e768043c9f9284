-- One real customer, one key, minted from the source and id of the record first known.
{% macro customer_key(source, customer_id) -%}
    {{ dbt.hash(dbt.concat([source, "'|'", customer_id])) }}
{%- endmacro %}
