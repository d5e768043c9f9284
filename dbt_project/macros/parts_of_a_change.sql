-- What can move a score, in the order in which it is put in.
{% macro parts_of_a_change() -%}
    {{ return([
        'policy', 'identity', 'corrected_data', 'value_model', 'own_behaviour', 'left_window', 'others_moved'
    ]) }}
{%- endmacro %}
