-- What moved a score accounts for all of its change, exactly. Who had no score before counts from 0, who has none
-- any more to 0.
{% test parts_sum_to_the_change(model) %}
    select *
    from {{ model }}
    where
        {%- for part in parts_of_a_change() %}
        {{ '+ ' if not loop.first }}coalesce(part_{{ part }}, 0)
        {%- endfor %}
        <> coalesce(score, 0) - coalesce(score_before, 0)
{% endtest %}
