-- Windows end at `as_of` inclusive: the 365 days ending there are those 0 to 364 days before it.
{% macro within_days(day, as_of, days) -%}
    {{ dbt.datediff(day, as_of, 'day') }} between 0 and {{ days - 1 }}
{%- endmacro %}
