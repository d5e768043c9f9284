-- An amount of a rated line in the reporting currency, rounded once; null where there is no rate. It is made wider
-- first: a product is only as wide as the wider of the two, and seven digits beside a rate's decimals do not fit.
{% macro in_company_money(amount, line) -%}
    {%- set in_another = 'cast(' ~ amount ~ ' as decimal(26, 4)) * ' ~ line ~ '.exchange_rate' -%}
    case
        when {{ line }}.is_in_another then {{ round_money(in_another) }}
        else {{ round_money(amount) }}
    end
{%- endmacro %}
