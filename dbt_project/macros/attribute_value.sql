-- An attribute of a customer by its name: what lets a policy choose and group customers as data.
{% macro attribute_value(name, row) -%}
    case {{ name }}
        {%- for attribute in customer_attributes() %}
        when '{{ attribute }}' then {{ row }}.{{ attribute }}
        {%- endfor %}
    end
{%- endmacro %}

-- The attributes that a policy may speak of.
{% macro customer_attributes() -%}
    {{ return(['subject_type', 'industry', 'region', 'company_size', 'channel']) }}
{%- endmacro %}
