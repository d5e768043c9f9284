-- The smallest step by which a measure moves (0.01 for money, 1 for counts): what "past somebody" means in numbers.
{% macro measure_step(name) -%}
    case {{ name }}
        {%- if execute %}
        {%- for column_name, column in graph.nodes['model.tierwise.fct_customer_value'].columns.items() %}
        {%- set meta = column.meta or column.config.meta %}
        {%- if meta.get('measure') %}
        when '{{ column_name }}' then cast('{{ meta.step }}' as decimal(18, 4))
        {%- endif %}
        {%- endfor %}
        {%- endif %}
        else cast(null as decimal(18, 4))
    end
{%- endmacro %}
