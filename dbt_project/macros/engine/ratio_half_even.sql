-- An exact ratio of two integers, rounded half to even: 12.34565 becomes 12.3456 on every engine.
-- Engines differ in how they divide decimals; integers they divide alike. The denominator must be positive.
{% macro ratio_half_even(numerator, denominator, scale) -%}
    {{ return(adapter.dispatch('ratio_half_even')(numerator, denominator, scale)) }}
{%- endmacro %}

{% macro default__ratio_half_even(numerator, denominator, scale) -%}
    {%- set n = 'cast(abs(' ~ numerator ~ ') as hugeint) * ' ~ (10 ** scale) -%}
    {%- set d = 'cast(' ~ denominator ~ ' as hugeint)' -%}
    cast(
        case when {{ numerator }} < 0 then -1 else 1 end
        * cast(
            ({{ n }}) // ({{ d }}) + case
                when 2 * (({{ n }}) % ({{ d }})) > {{ d }} then 1
                when 2 * (({{ n }}) % ({{ d }})) = {{ d }} and (({{ n }}) // ({{ d }})) % 2 = 1 then 1
                else 0
            end
            as decimal(28, 0)
        )
        * cast({{ '%.*f' % (scale, 10 ** (-scale)) }} as decimal({{ scale + 1 }}, {{ scale }}))
        as decimal(18, {{ scale }})
    )
{%- endmacro %}

{% macro spark__ratio_half_even(numerator, denominator, scale) -%}
    {%- set n = 'cast(' ~ numerator ~ ' as decimal(27, 0))' -%}
    cast(bround({{ n }} / cast({{ denominator }} as decimal(27, 0)), {{ scale }}) as decimal(18, {{ scale }}))
{%- endmacro %}
