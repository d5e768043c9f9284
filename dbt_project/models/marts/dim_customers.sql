with

days as (
    select {{ latest_day() }} as as_of
),

tiers as (
    select tiers.*
    from {{ ref('dim_customer_tiers') }} as tiers
    inner join {{ ref('int_policies__in_force') }} as policies
        on tiers.policy = policies.policy and tiers.as_of = policies.as_of
    where policies.is_primary
),

described as (
    select
        customers.customer_key,
        customers.as_of,
        customers.source,
        customers.customer_id,
        customers.known_on,
        customers.subject_type,
        customers.industry,
        customers.region,
        customers.company_size,
        customers.channel,
        customers.account_manager_id,
        customers.created_at,
        valued.first_sale_on,
        valued.last_purchased_on,
        valued.days_since_last_purchase,
        case
            when valued.repeat_purchases > 0
                then cast({{ dbt.dateadd(
                    'day',
                    'cast(floor(valued.age_at_last_purchase_days / valued.repeat_purchases) as integer)',
                    'valued.last_purchased_on'
                ) }} as date)
        end as next_purchase_on,
        valued.purchase_days_12m,
        valued.usual_category_12m,
        valued.categories_12m,
        valued.net_revenue_12m,
        valued.gross_profit_12m,
        valued.contribution_12m,
        valued.payment_timeliness_12m,
        valued.expected_purchases_12m,
        valued.probability_alive,
        valued.customer_value_12m,
        valued.interactions_90d,
        valued.complaints_12m,
        valued.open_issues,
        valued.issue_weight_12m,
        valued.satisfaction_12m,
        valued.responses_12m,
        segments.rfm_grid,
        segments.lifecycle,
        segments.need,
        valued.first_sale_on is null as is_prospect,
        tiers.policy,
        tiers.tier,
        tiers.tier_rank,
        tiers.graded,
        tiers.tier_since
    from {{ ref('int_customers__described') }} as customers
    inner join days
        on customers.as_of = days.as_of
    left join {{ ref('int_customers__measured') }} as valued
        on
            customers.as_of = valued.as_of
            and customers.customer_key = valued.customer_key
            and valued.basis = 'day'
    left join {{ ref('dim_customer_segments') }} as segments
        on customers.customer_key = segments.customer_key
    left join tiers
        on customers.customer_key = tiers.customer_key
)

select * from described
