-- Every stretch of days between two on which what is known of a thing may become another, the one before anything was
-- known included: the versions that stand on its first day stand on all of it.
{% macro turns_of(versions, thing) %}
    select
        {{ thing | join(', ') }},
        turns_on as known_on,
        lead(turns_on) over (partition by {{ thing | join(', ') }} order by turns_on) as replaced_on
    from (
        select {{ thing | join(', ') }}, known_on as turns_on from {{ versions }}
        union
        select {{ thing | join(', ') }}, replaced_on as turns_on from {{ versions }} where replaced_on is not null
        union
        select {{ thing | join(', ') }}, cast('0001-01-01' as date) as turns_on from {{ versions }}
    ) as turns
{% endmacro %}
