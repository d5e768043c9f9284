-- Grain: one row per as_of, basis and customer known by then. The narrow row: all measures of one customer on one day.
-- Null is "not known", never 0: each measure says in its description when it is null.
-- The rows of the day that the run starts from are here too, as they were released; whom nothing touched since is
-- carried on from there.
{% set columns = [
    'as_of', 'basis', 'customer_key', 'known_on', 'first_sale_on', 'first_purchased_on', 'last_purchased_on',
    'net_revenue_12m', 'net_revenue_90d', 'net_revenue_ytd', 'net_revenue_last_year', 'orders_12m', 'purchase_days_12m',
    'average_order_amount_12m', 'revenue_growth_12m', 'gross_profit_12m', 'cost_coverage_12m', 'cost_to_serve_12m',
    'cost_to_serve_spread_12m', 'contribution_12m', 'payment_timeliness_12m', 'tenure_days', 'days_since_last_purchase',
    'repeat_purchases', 'age_at_last_purchase_days', 'age_days', 'average_repeat_amount', 'usual_gap_days',
    'last_gap_days', 'interactions_90d',
    'interactions_12m', 'contact_days_12m', 'complaints_12m', 'referrals_12m', 'satisfaction_12m', 'responses_12m',
    'assessed_points', 'paid_of_list_12m', 'development_12m', 'untapped_spend_12m', 'industry_outlook_12m',
    'open_issues', 'issue_weight_12m', 'usual_category_12m', 'categories_12m', 'returned_share_12m'
] %}

with

interactions_began as (
    select min(known_on) as known_on
    from {{ ref('stg_interactions') }}
),

issues_began as (
    select min(known_on) as known_on
    from {{ ref('stg_issue_events') }}
),

rates_began as (
    select
        days.as_of,
        count(*) as rates
    from {{ ref('stg_activity_rates') }} as rates
    inner join {{ source('inputs', 'run_days') }} as days
        on {{ stands_on('rates', 'days.as_of') }}
    group by days.as_of
),

streams as (
    select
        days.as_of,
        interactions_began.known_on is not null as has_interactions,
        issues_began.known_on is not null as has_issues,
        rates_began.rates is not null as has_rates
    from {{ source('inputs', 'run_days') }} as days
    left join interactions_began
        on days.as_of >= interactions_began.known_on
    left join issues_began
        on days.as_of >= issues_began.known_on
    left join rates_began
        on days.as_of = rates_began.as_of
),

measured as (
    select
        customers.as_of,
        customers.basis,
        customers.window_ends_on,
        customers.customer_key,
        customers.known_on,
        money.first_sale_on,
        histories.first_purchased_on,
        histories.last_purchased_on,

        -- revenue
        case when money.first_sale_on is not null then money.revenue_12m end as net_revenue_12m,
        case when money.first_sale_on is not null then money.revenue_90d end as net_revenue_90d,
        case when money.first_sale_on is not null then money.revenue_ytd end as net_revenue_ytd,
        case when money.first_sale_on is not null then money.revenue_last_year end as net_revenue_last_year,
        case when money.first_sale_on is not null then money.orders_12m end as orders_12m,
        case when money.first_sale_on is not null then coalesce(histories.purchase_days_12m, 0) end
            as purchase_days_12m,
        case
            when
                money.revenue_12m_before > 0
                and {{ dbt.dateadd('month', 24, 'histories.first_purchased_on') }} <= customers.window_ends_on
                then {{ ratio_half_even(
                    in_units('(money.revenue_12m - money.revenue_12m_before)', 2),
                    in_units('money.revenue_12m_before', 2),
                    4
                ) }}
        end as revenue_growth_12m,

        case
            when money.first_sale_on is not null and money.orders_12m > 0
                then {{ ratio_half_even(in_units('money.revenue_12m', 2), '(100 * money.orders_12m)', 2) }}
        end as average_order_amount_12m,

        -- profit
        case
            when money.first_sale_on is not null and money.uncosted_sale_lines_12m = 0
                then cast(money.revenue_12m - money.cost_12m as decimal(18, 2))
        end as gross_profit_12m,
        case
            when money.sales_12m > 0
                then {{ ratio_half_even(in_units('money.costed_sales_12m', 2), in_units('money.sales_12m', 2), 4) }}
        end as cost_coverage_12m,
        money.discounts_12m,
        case
            when money.listed_12m > 0
                then {{ ratio_half_even(in_units('money.paid_of_listed_12m', 2), in_units('money.listed_12m', 2), 4) }}
        end as paid_of_list_12m,
        case
            when money.sales_12m > 0
                then {{ ratio_half_even(
                    in_units('(money.sales_12m - money.revenue_12m)', 2), in_units('money.sales_12m', 2), 4
                ) }}
        end as returned_share_12m,
        categories.usual_category_12m,
        coalesce(
            categories.categories_12m, case when money.first_sale_on is not null and money.sales_12m = 0 then 0 end
        ) as categories_12m,
        case
            when streams.has_rates
                then case when service.customer_key is null then 0 else service.cost_to_serve_12m end
        end as cost_to_serve_12m,
        case
            when streams.has_rates
                then case when service.customer_key is null then 0 else service.cost_to_serve_spread_12m end
        end as cost_to_serve_spread_12m,
        payments.payment_timeliness_12m,

        -- purchase history
        histories.age_days as tenure_days,
        histories.days_since_last_purchase,
        histories.repeat_purchases,
        histories.age_at_last_purchase_days,
        histories.age_days,
        histories.average_repeat_amount,
        histories.usual_gap_days,
        histories.last_gap_days,

        -- interactions and answers
        case when streams.has_interactions then coalesce(interactions.interactions_90d, 0) end as interactions_90d,
        case when streams.has_interactions then coalesce(interactions.interactions_12m, 0) end as interactions_12m,
        case when streams.has_interactions then coalesce(interactions.complaints_12m, 0) end as complaints_12m,
        case when streams.has_interactions then coalesce(interactions.referrals_12m, 0) end as referrals_12m,
        case when streams.has_interactions then coalesce(interactions.contact_days_12m, 0) end as contact_days_12m,
        case when streams.has_issues then coalesce(issues.open_issues, 0) end as open_issues,
        case when streams.has_issues then coalesce(issues.issue_weight_12m, 0) end as issue_weight_12m,
        satisfaction.satisfaction_12m,
        satisfaction.responses_12m,
        assessments.assessed_points,

        -- their own business
        facts.development_12m,
        case
            when facts.spend is not null
                then cast(greatest(facts.spend - coalesce(money.revenue_12m, 0), 0) as decimal(18, 2))
        end as untapped_spend_12m,
        outlooks.industry_outlook_12m
    from {{ ref('int_customers__asked') }} as customers
    inner join streams
        on customers.as_of = streams.as_of
    {% for part, model in [
        ('money', 'int_customer_money__windowed'),
        ('categories', 'int_customer_categories__bought'),
        ('histories', 'int_purchase_histories__summarised'),
        ('interactions', 'int_customer_interactions__counted'),
        ('issues', 'int_customer_issues__weighed'),
        ('satisfaction', 'int_customer_satisfaction__averaged'),
        ('service', 'int_customer_service__costed'),
        ('payments', 'int_customer_payments__timed'),
        ('assessments', 'int_customer_assessments__averaged'),
        ('facts', 'int_customer_facts__compared'),
        ('outlooks', 'int_customer_outlooks__matched'),
    ] %}
        left join {{ ref(model) }} as {{ part }}
            on
                customers.as_of = {{ part }}.as_of
                and customers.basis = {{ part }}.basis
                and customers.customer_key = {{ part }}.customer_key
    {% endfor %}
),

valued as (
    select
        *,
        cast(gross_profit_12m - discounts_12m - cost_to_serve_12m as decimal(18, 2)) as contribution_12m
    from measured
),

by_day as (  -- everybody's rows, as they were computed and as they were released
    select
        {% for column in columns %}
            {{ column }},
        {% endfor %}
        window_ends_on
    from valued
    where basis = 'day'

    union all

    select
        {% for column in columns %}
            {{ column }},
        {% endfor %}
        window_ends_on
    from {{ source('inputs', 'customer_values') }}
),

followed as (
    select
        *,
        lead(as_of) over (partition by customer_key order by as_of) as next_as_of
    from by_day
),

carried as (  -- whom nothing touched only grows older, and leaves one calendar year for the next
    select
        {% for column in columns[2:] %}
            {{ grown_older('followed', column, 'valuations.as_of') }} as {{ column }},
        {% endfor %}
        valuations.as_of,
        valuations.basis,
        valuations.window_ends_on
    from followed
    inner join {{ ref('int_valuations__asked') }} as valuations
        on
            followed.as_of < valuations.as_of
            and {{ until('followed.next_as_of') }} > valuations.as_of
            and followed.as_of <= valuations.builds_on
    where valuations.basis = 'day'
),

values_of_all as (
    select
        {% for column in columns %}
            {{ column }},
        {% endfor %}
        window_ends_on
    from by_day

    union all

    select
        {% for column in columns %}
            {{ column }},
        {% endfor %}
        window_ends_on
    from carried

    union all

    select
        {% for column in columns %}
            {{ column }},
        {% endfor %}
        window_ends_on
    from valued
    where basis <> 'day'
)

select * from values_of_all
