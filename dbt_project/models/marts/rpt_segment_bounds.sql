-- Where the scores of RFM end on the release's day: quintiles by value, the fixed bounds of the company, and means.
with

people as (
    select
        as_of,
        days_since_last_purchase,
        purchase_days_12m,
        net_revenue_12m
    from {{ ref('fct_customer_value') }}
    where is_latest and days_since_last_purchase is not null
),

days as (
    select distinct as_of
    from people
),

{% set measures = ['days_since_last_purchase', 'purchase_days_12m', 'net_revenue_12m'] %}
quintiles as (
    {% for measure in measures %}
        select
            as_of,
            'rfm_grid' as segmentation,
            '{{ measure }}' as measure,
            unnest([1, 2, 3, 4]) as score,
            unnest(quantile_disc(cast({{ measure }} as decimal(18, 4)), [0.2, 0.4, 0.6, 0.8])) as bound
        from people
        group by as_of
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

fixed as (  -- up to a number of days, from a number of purchases on: below it is up to one less
    select
        days.as_of,
        'rfm_fixed' as segmentation,
        cut_offs.measure,
        cut_offs.position as score,
        case cut_offs.measure when 'purchase_days_12m' then cut_offs.bound - 1 else cut_offs.bound end as bound
    from {{ source('inputs', 'segment_cut_offs') }} as cut_offs
    cross join days
),

means as (
    {% for measure in measures %}
        select
            as_of,
            'rfm_eight' as segmentation,
            '{{ measure }}' as measure,
            1 as score,
            {{ ratio_half_even(
                in_units('sum(cast(' ~ measure ~ ' as decimal(18, 4)))', 4), '(10000 * count(*))', 4
            ) }} as bound
        from people
        group by as_of
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

found as (
    select * from quintiles
    union all
    select * from fixed
    union all
    select * from means
),

bounds as (
    select
        as_of,
        segmentation,
        measure,
        cast(score as bigint) as score,
        cast(bound as decimal(18, 4)) as bound
    from found
)

select * from bounds
