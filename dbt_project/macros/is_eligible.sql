-- Who may be graded on a day: old enough since the first sale, and with as much known as the policy asks for. A policy
-- of one measure covers all where it is known, and nothing where it is not.
{% macro is_eligible(policy, row, day) -%}
    {{ dbt.datediff(row ~ '.first_sale_on', day, 'day') }} >= {{ policy }}.after_days
    and case when {{ measure_value(policy ~ '.measure', row) }} is null then 0 else 1 end
    >= {{ policy }}.minimum_coverage
{%- endmacro %}
