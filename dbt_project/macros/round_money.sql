-- Money is rounded half to even, to 2 decimals, once per line; sums are exact from there on. `scale` is how many
-- decimals the amount has: dropping some of them on the way would be a second rounding.
{% macro round_money(amount, scale=4) -%}
    {{ ratio_half_even(in_units(amount, scale), 10 ** scale, 2) }}
{%- endmacro %}
