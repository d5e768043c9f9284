-- The company's calendar day of an instant stored in UTC. Engines disagree on `at time zone`.
{% macro business_day(instant, time_zone) -%}
    {{ return(adapter.dispatch('business_day')(instant, time_zone)) }}
{%- endmacro %}

{% macro default__business_day(instant, time_zone) -%}
    cast(timezone({{ time_zone }}, timezone('UTC', {{ instant }})) as date)
{%- endmacro %}

{% macro spark__business_day(instant, time_zone) -%}
    to_date(from_utc_timestamp({{ instant }}, {{ time_zone }}))
{%- endmacro %}
