-- Grain: one row per source and order of which a line began to stand since the parent's day, or ceased to.
with

moved as (
    select distinct
        lines.source,
        lines.order_id
    from {{ ref('int_order_lines__valued') }} as lines
    where {{ moved_since_parent('lines', 'ordered_on') }}
)

select * from moved
