-- Money is rounded half to even, to 2 decimals, once per line; sums are exact from there on.
{% macro round_money(amount) -%}
    {{ ratio_half_even(in_units(amount, 4), 10000, 2) }}
{%- endmacro %}
