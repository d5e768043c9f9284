-- What a column of a narrow row is on a later day, where nothing touched the customer in between.
{% macro grown_older(relation, column, day) -%}
{%- set year = 'extract(year from ' ~ relation ~ '.as_of)' -%}
{%- set year_then = 'extract(year from ' ~ day ~ ')' -%}
{%- if column in ('tenure_days', 'days_since_last_purchase', 'age_days') -%}
    {{ relation }}.{{ column }} + {{ dbt.datediff(relation ~ '.as_of', day, 'day') }}
{%- elif column == 'net_revenue_ytd' -%}
    case
        when {{ year }} = {{ year_then }} then {{ relation }}.net_revenue_ytd
        when {{ relation }}.net_revenue_ytd is not null then cast(0 as decimal(18, 2))
    end
{%- elif column == 'net_revenue_last_year' -%}
    case
        when {{ year }} = {{ year_then }} then {{ relation }}.net_revenue_last_year
        when {{ year }} = {{ year_then }} - 1 then {{ relation }}.net_revenue_ytd
        when {{ relation }}.net_revenue_last_year is not null then cast(0 as decimal(18, 2))
    end
{%- else -%}
    {{ relation }}.{{ column }}
{%- endif %}
{%- endmacro %}
