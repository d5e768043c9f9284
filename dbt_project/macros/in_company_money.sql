-- An amount of a rated line in the reporting currency, rounded once; null where there is no rate.
{% macro in_company_money(amount, line) -%}
    case
        when {{ line }}.is_in_another then {{ round_money(amount ~ ' * ' ~ line ~ '.exchange_rate') }}
        else {{ round_money(amount) }}
    end
{%- endmacro %}
