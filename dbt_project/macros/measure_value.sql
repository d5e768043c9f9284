-- A measure by its name: what lets a policy be data. The names are those of the catalogue in fct_customer_value.yml.
{% macro measure_value(name, row) -%}
    case {{ name }}
        {%- for measure in measures() %}
        when '{{ measure }}' then cast({{ row }}.{{ measure }} as decimal(18, 4))
        {%- endfor %}
    end
{%- endmacro %}

-- The catalogue: the columns of fct_customer_value that are marked as measures.
{% macro measures() -%}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- set catalogue = graph.nodes['model.tierwise.fct_customer_value'].columns -%}
        {%- for name, column in catalogue.items() if (column.meta or column.config.meta).get('measure') -%}
            {%- do names.append(name) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}
