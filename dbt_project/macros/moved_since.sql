-- A fact table that goes on from its parent's takes out what moved since, and puts in what stands of it now. Something
-- moved when a version of it began to stand after the parent's day, or ceased to.
{% macro moved_orders() %}
    select
        moved.source,
        moved.order_id
    from {{ ref('int_order_lines__valued') }} as moved
    where {{ moved_since_parent('moved', 'ordered_on') }}
{% endmacro %}

{% macro take_out_orders() %}
    {%- if is_incremental() %}
        delete from {{ this }}
        where (source, order_id) in ({{ moved_orders() }})
    {%- endif %}
{% endmacro %}

-- An interaction that waited for its customer moves when they become known.
{% macro moved_interactions() %}
    select
        moved.source,
        moved.interaction_id
    from {{ ref('stg_interactions') }} as moved
    left join {{ ref('dim_customer_ids') }} as customers
        on moved.customer_source = customers.source and moved.customer_id = customers.customer_id
    where
        {{ moved_since_parent('moved', 'occurred_on') }}
        or customers.known_on > {{ parents_day() }}
{% endmacro %}

{% macro take_out_interactions() %}
    {%- if is_incremental() %}
        delete from {{ this }}
        where (source, interaction_id) in ({{ moved_interactions() }})
    {%- endif %}
{% endmacro %}

{% macro moved_since_parent(row, happened_on) -%}
    (
        greatest({{ row }}.known_on, {{ row }}.{{ happened_on }}) > {{ parents_day() }}
        or {{ row }}.replaced_on > {{ parents_day() }}
    )
{%- endmacro %}

{% macro parents_day() -%}
    (select max(parent.as_of) from {{ source('inputs', 'customer_values') }} as parent)
{%- endmacro %}
