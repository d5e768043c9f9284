-- Where a customer stands, as it is compared: a measure and then the policy's `then_by`. Null is below every number.
{% macro standing(measure, policy, row, scores) -%}
    [
        {%- for named in [measure, policy ~ '.then_by_1', policy ~ '.then_by_2', policy ~ '.then_by_3'] %}
        coalesce({{ measure_value(named, row, scores) }}, {{ below_every_number() }}){{ ',' if not loop.last }}
        {%- endfor %}
    ]
{%- endmacro %}

{% macro below_every_number() -%}
    cast('-99999999999999.9999' as decimal(18, 4))
{%- endmacro %}
