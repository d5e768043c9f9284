-- The instant, in UTC, at which a calendar day of the company is over.
{% macro day_ends_at(day, time_zone) -%}
    timezone('UTC', timezone({{ time_zone }}, cast({{ day }} + 1 as timestamp)))
{%- endmacro %}
