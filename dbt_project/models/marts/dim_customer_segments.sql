-- Recency, frequency and money of every customer as scores, three ways, and what the groups are called. Bounds are
-- values of the day, so equal customers are in the same segment; a bound belongs to the side of those below it.
with

{{ staged_customers(latest_alone=true) }},

people as (
    select
        customers.as_of,
        customers.customer_key,
        coalesce(customers.industry, 'unknown') as industry,
        coalesce(customers.region, 'unknown') as region,
        coalesce(customers.company_size, 'unknown') as company_size,
        value.days_since_last_purchase as recency,
        value.purchase_days_12m as frequency,
        value.net_revenue_12m as money,
        value.days_since_last_purchase is not null as has_bought,
        staged.lifecycle,
        staged.lifecycle_rule,
        staged.silence_limit_days,
        staged.silence_limit_of,
        needs.need,
        needs.confidence as need_confidence
    from {{ ref('int_customers__described') }} as customers
    inner join {{ ref('fct_customer_value') }} as value
        on customers.as_of = value.as_of and customers.customer_key = value.customer_key and value.is_latest
    inner join staged
        on customers.as_of = staged.as_of and customers.customer_key = staged.customer_key
    inner join {{ ref('rpt_customer_needs') }} as needs
        on customers.customer_key = needs.customer_key
),

bounds as (
    select
        measure,
        max(bound) filter (where score = 1) as first_bound,
        max(bound) filter (where score = 2) as second_bound,
        max(bound) filter (where score = 3) as third_bound,
        max(bound) filter (where score = 4) as fourth_bound,
        segmentation
    from {{ ref('rpt_segment_bounds') }}
    group by segmentation, measure
),

scored as (
    select
        people.*,
        {% for name, segmentation, measure, value, is_less in [
            ('recency', 'rfm_grid', 'days_since_last_purchase', 'recency', true),
            ('frequency', 'rfm_grid', 'purchase_days_12m', 'frequency', false),
            ('money', 'rfm_grid', 'net_revenue_12m', 'money', false),
            ('fixed_recency', 'rfm_fixed', 'days_since_last_purchase', 'recency', true),
            ('fixed_frequency', 'rfm_fixed', 'purchase_days_12m', 'frequency', false),
        ] %}
            cast(
                {{ '5 -' if is_less else '1 +' }} (
                    {% for bound in ['first', 'second', 'third', 'fourth'] %}
                        case when people.{{ value }} > {{ name }}.{{ bound }}_bound then 1 else 0 end
                        {{- ' +' if not loop.last }}
                    {% endfor %}
                ) as bigint
            ) as {{ name }}_score,
        {% endfor %}
        case when people.recency < mean_recency.first_bound then 'H' else 'L' end
        || case when people.frequency > mean_frequency.first_bound then 'H' else 'L' end
        || case when people.money > mean_money.first_bound then 'H' else 'L' end as eight
    from people
    {% for name, segmentation, measure in [
        ('recency', 'rfm_grid', 'days_since_last_purchase'),
        ('frequency', 'rfm_grid', 'purchase_days_12m'),
        ('money', 'rfm_grid', 'net_revenue_12m'),
        ('fixed_recency', 'rfm_fixed', 'days_since_last_purchase'),
        ('fixed_frequency', 'rfm_fixed', 'purchase_days_12m'),
        ('mean_recency', 'rfm_eight', 'days_since_last_purchase'),
        ('mean_frequency', 'rfm_eight', 'purchase_days_12m'),
        ('mean_money', 'rfm_eight', 'net_revenue_12m'),
    ] %}
        left join bounds as {{ name }}
            on {{ name }}.segmentation = '{{ segmentation }}' and {{ name }}.measure = '{{ measure }}'
    {% endfor %}
),

coded as (
    select
        *,
        case when has_bought then 'R' || recency_score || 'F' || frequency_score else 'none' end as grid_code,
        case when has_bought then 'R' || fixed_recency_score || 'F' || fixed_frequency_score else 'none' end
            as fixed_code,
        case when has_bought then eight else 'none' end as eight_code
    from scored
),

named as (
    select
        coded.as_of,
        coded.customer_key,
        case when coded.has_bought then coded.recency_score end as recency_score,
        case when coded.has_bought then coded.frequency_score end as frequency_score,
        case when coded.has_bought then coded.money_score end as money_score,
        coalesce(grid.segment, coded.grid_code) as rfm_grid,
        coalesce(fixed.segment, coded.fixed_code) as rfm_fixed,
        coalesce(eight.segment, coded.eight_code) as rfm_eight,
        coded.lifecycle,
        coded.lifecycle_rule,
        coded.silence_limit_days,
        coded.silence_limit_of,
        coded.need,
        coded.need_confidence,
        coded.industry,
        coded.region,
        coded.company_size
    from coded
    left join {{ source('inputs', 'segment_names') }} as grid
        on coded.grid_code = grid.code and grid.segmentation = 'rfm_grid'
    left join {{ source('inputs', 'segment_names') }} as fixed
        on coded.fixed_code = fixed.code and fixed.segmentation = 'rfm_fixed'
    left join {{ source('inputs', 'segment_names') }} as eight
        on coded.eight_code = eight.code and eight.segmentation = 'rfm_eight'
)

select * from named
