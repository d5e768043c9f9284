-- Every calendar day after the first and up to the last: one row each, of the row that it is asked of.
{% macro each_day(after, until) -%}
    {{ return(adapter.dispatch('each_day')(after, until)) }}
{%- endmacro %}

{% macro default__each_day(after, until) -%}
    cast(unnest(generate_series({{ after }} + 1, {{ until }}, interval 1 day)) as date)
{%- endmacro %}

{% macro spark__each_day(after, until) -%}
    explode(sequence(date_add({{ after }}, 1), {{ until }}))
{%- endmacro %}
