-- A row counts for a day if it was known by then, had happened by then, and nothing had replaced it yet.
-- A valuation may ask what had happened by an earlier day, as it is known on the later one.
{% macro stands_on(row, day, happened_on=none, happened_by=none) -%}
    {{ row }}.known_on <= {{ day }}
    {%- if happened_on %}
    and {{ row }}.{{ happened_on }} <= {{ happened_by or day }}
    {%- endif %}
    and {{ until(row ~ '.replaced_on') }} > {{ day }}
{%- endmacro %}

-- An open end as a date: a plain comparison stays a hash join where an `or ... is null` becomes a nested loop.
{% macro until(day) -%}
    coalesce({{ day }}, cast('9999-12-31' as date))
{%- endmacro %}
