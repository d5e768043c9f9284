-- A layer is its own schema (`marts`, not `main_marts`): analysts' queries name it.
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
