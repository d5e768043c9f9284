-- How many customers and how much revenue each segment holds; one that is empty is shown with 0.
with

people as (
    select
        segments.*,
        value.net_revenue_12m
    from {{ ref('dim_customer_segments') }} as segments
    inner join {{ ref('fct_customer_value') }} as value
        on segments.customer_key = value.customer_key and value.is_latest
),

placed as (
    {% for segmentation in [
        'rfm_grid', 'rfm_fixed', 'rfm_eight', 'lifecycle', 'need', 'industry', 'region', 'company_size'
    ] %}
        select
            '{{ segmentation }}' as segmentation,
            {{ segmentation }} as segment,
            customer_key,
            net_revenue_12m
        from people
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

counted as (
    select
        segmentation,
        segment,
        count(*) as customers,
        cast(sum(net_revenue_12m) as decimal(18, 2)) as net_revenue_12m
    from placed
    group by segmentation, segment
),

names as (
    select distinct
        segmentation,
        segment,
        position,
        label_en,
        label_zh
    from {{ source('inputs', 'segment_names') }}
),

totals as (
    select
        max(as_of) as as_of,
        count(*) as customers,
        sum(net_revenue_12m) as net_revenue_12m
    from people
),

segments as (
    select
        totals.as_of,
        coalesce(names.segmentation, counted.segmentation) as segmentation,
        coalesce(names.segment, counted.segment) as segment,
        cast(names.position as bigint) as position,
        coalesce(names.label_en, counted.segment) as label_en,
        case
            when names.label_zh is null and counted.segment = 'unknown' then '未知'
            else coalesce(names.label_zh, counted.segment)
        end as label_zh,
        coalesce(counted.customers, 0) as customers,
        {{ ratio_half_even('coalesce(counted.customers, 0)', 'totals.customers', 4) }} as customer_share,
        coalesce(counted.net_revenue_12m, 0) as net_revenue_12m,
        case
            when totals.net_revenue_12m > 0
                then {{ ratio_half_even(
                    in_units('coalesce(counted.net_revenue_12m, 0)', 2), in_units('totals.net_revenue_12m', 2), 4
                ) }}
        end as revenue_share
    from names
    full join counted
        on names.segmentation = counted.segmentation and names.segment = counted.segment
    inner join totals
        on totals.customers > 0
)

select * from segments
