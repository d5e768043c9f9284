-- What a model does as soon as it is built: it fails where two rows share what its grain calls one, `meta.unique_by`
-- (columns, or several lists of them). Nulls count as equal. No data test: a night would pay for sixty nodes more.
{% macro hold_grain() -%}
    {%- set unique_by = model.config.meta.unique_by if execute and model.config.materialized != 'view' else [] -%}
    {%- for columns in ([unique_by] if unique_by and unique_by[0] is string else unique_by) %}
    {%- set key = columns | join(', ') %}
    {{ "union all" if not loop.first }}
    select {{ refuse("Grain broken: " ~ model.name ~ " holds two rows of the same " ~ key) }}
    from (select {{ key }} from {{ this }} group by {{ key }} having count(*) > 1) as doubled
    {%- endfor %}
{%- endmacro %}
