-- Two overrides overlap when some day belongs to both. Both ends belong to them.
{% macro overlap(one, other) -%}
    {{ one }}.starts_on <= {{ other }}.last_day and {{ one }}.last_day >= {{ other }}.starts_on
{%- endmacro %}
