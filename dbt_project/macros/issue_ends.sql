-- When an issue was resolved: for the first time since it was last opened again, so that what is closed after it was
-- resolved was resolved before. Null while it is open.
{% macro first_resolved(when) -%}
    min(
        case
            when status in ('resolved', 'closed') and occurred_at >= coalesce(reopened_at, occurred_at)
                then {{ when }}
        end
    )
{%- endmacro %}

-- When an issue was last opened again, beside each of its events.
{% macro last_reopened(events, issue) -%}
    max(case when {{ events }}.is_reopening then {{ events }}.occurred_at end) over (
        partition by {{ issue | join(', ') }}
    )
{%- endmacro %}
