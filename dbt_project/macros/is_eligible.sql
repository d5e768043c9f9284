-- Who may be graded on a day: old enough since the first sale (of `row`), and with as much known (of `valued`, the same
-- row unless another is named) as the policy asks for. A policy that scores covers what its parts with data weigh; one
-- of one measure all where it is known, and nothing where it is not.
{% macro is_eligible(policy, row, scores, day, valued=none) -%}
    {{ dbt.datediff(row ~ '.first_sale_on', day, 'day') }} >= {{ policy }}.after_days
    and case
        when {{ policy }}.is_scored then coalesce({{ scores }}.coverage, 0)
        when {{ measure_value(policy ~ '.measure', valued or row) }} is null then 0
        else 1
    end >= {{ policy }}.minimum_coverage
{%- endmacro %}

-- What the parts with data weigh, of all.
{% macro score_coverage() -%}
    {{ ratio_half_even('sum(coverage_units)', 'max(coverage_total)', 4) }}
{%- endmacro %}
