-- The smallest step by which a measure moves (0.01 for money, 1 for counts): what "past somebody" means in numbers.
{% macro measure_step(name) -%}
    case {{ name }}
        {%- for mart in ['fct_customer_value', 'fct_customer_scores'] %}
        {%- for measure, meta in catalogue_of(mart).items() %}
        when '{{ measure }}' then cast('{{ meta.step }}' as decimal(18, 4))
        {%- endfor %}
        {%- endfor %}
        else cast(null as decimal(18, 4))
    end
{%- endmacro %}
