-- Money is rounded half to even, to 2 decimals, once per line; sums are exact from there on. The amount may have any
-- number of decimals. Engines round a decimal's ties away from zero: a tie that came out odd goes one cent back.
{% macro round_money(amount) -%}
    {%- set rounded = 'cast(' ~ amount ~ ' as decimal(18, 2))' -%}
    cast(
        case
            when
                abs({{ rounded }} - ({{ amount }})) = cast(0.005 as decimal(4, 3))
                and mod(cast(abs({{ rounded }}) * 100 as bigint), 2) = 1
                then {{ rounded }} - cast(0.01 as decimal(3, 2)) * sign({{ rounded }})
            else {{ rounded }}
        end
        as decimal(18, 2)
    )
{%- endmacro %}
