-- The mean of `count` amounts that come to `total`, both whole numbers of 64 bits, rounded half to even: of cents, in
-- cents. Many times faster than the ratio of any two integers.
{% macro mean_half_even(total, count) -%}
    {{ return(adapter.dispatch('mean_half_even')(total, count)) }}
{%- endmacro %}

{% macro default__mean_half_even(total, count) -%}
    {%- set whole = '(abs(' ~ total ~ ') // (' ~ count ~ '))' -%}
    {%- set twice_left = '2 * (abs(' ~ total ~ ') % (' ~ count ~ '))' -%}
    case when {{ total }} < 0 then -1 else 1 end * (
        {{ whole }} + case
            when {{ twice_left }} > ({{ count }}) then 1
            when {{ twice_left }} = ({{ count }}) and {{ whole }} % 2 = 1 then 1
            else 0
        end
    )
{%- endmacro %}

{% macro spark__mean_half_even(total, count) -%}
    cast(bround(cast({{ total }} as decimal(18, 0)) / cast({{ count }} as decimal(18, 0)), 0) as bigint)
{%- endmacro %}
