-- The last date of a review calendar up to and including a day.
{% macro review_since(calendar, day) -%}
    {%- if calendar == 'half_year' -%}
        case
            when extract(month from {{ day }}) >= 7
                then make_date(cast(extract(year from {{ day }}) as bigint), 7, 1)
            else make_date(cast(extract(year from {{ day }}) as bigint), 1, 1)
        end
    {%- else -%}
        cast({{ dbt.date_trunc(calendar, day) }} as date)
    {%- endif -%}
{%- endmacro %}

-- The last day up to and including this one with month and day of the first sale; 29 February counts as 1 March in
-- years without one.
{% macro last_anniversary(first_sale_on, day) -%}
    case
        when {{ anniversary(first_sale_on, 'extract(year from ' ~ day ~ ')') }} <= {{ day }}
            then {{ anniversary(first_sale_on, 'extract(year from ' ~ day ~ ')') }}
        else {{ anniversary(first_sale_on, 'extract(year from ' ~ day ~ ') - 1') }}
    end
{%- endmacro %}

{% macro anniversary(first_sale_on, year) -%}
    cast(
        make_date(cast({{ year }} as bigint), extract(month from {{ first_sale_on }}), 1)
        + to_days(cast(extract(day from {{ first_sale_on }}) - 1 as integer)) as date
    )
{%- endmacro %}

-- The first date of a review calendar on or after a day: when a decision that waits for its review can be made.
{% macro review_on_or_after(calendar, first_sale_on, day) -%}
    {%- set eve = 'cast(' ~ day ~ ' - 1 as date)' -%}
    {%- set this_year = 'extract(year from ' ~ day ~ ')' -%}
    cast(
        case {{ calendar }}
            when 'nightly' then {{ day }}
            when 'monthly' then {{ dbt.dateadd('month', 1, review_since('month', eve)) }}
            when 'quarterly' then {{ dbt.dateadd('month', 3, review_since('quarter', eve)) }}
            when 'half_yearly' then {{ dbt.dateadd('month', 6, review_since('half_year', eve)) }}
            when 'anniversary'
                then case
                    when {{ anniversary(first_sale_on, this_year) }} >= {{ day }}
                        then {{ anniversary(first_sale_on, this_year) }}
                    else {{ anniversary(first_sale_on, this_year ~ ' + 1') }}
                end
        end as date
    )
{%- endmacro %}
