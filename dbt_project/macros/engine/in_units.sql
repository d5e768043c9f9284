-- A decimal as a whole number of its smallest unit: the form in which ratios are exact.
{% macro in_units(amount, scale) -%}
    {{ return(adapter.dispatch('in_units')(amount, scale)) }}
{%- endmacro %}

{% macro default__in_units(amount, scale) -%}
    cast({{ amount }} * {{ 10 ** scale }} as hugeint)
{%- endmacro %}

{% macro spark__in_units(amount, scale) -%}
    cast({{ amount }} * {{ 10 ** scale }} as decimal(27, 0))
{%- endmacro %}
