-- Where each customer is on their way, on every day that fct_customer_value holds, and by which rule. A silence is
-- judged against the customer's own gaps; where they have fewer than four, against those of who first bought in the
-- same quarter (the median of theirs, where thirty are known), else of everybody.
{% macro staged_customers() %}
    select
        limited.as_of,
        limited.customer_key,
        limited.is_latest,
        limited.net_revenue_12m,
        limited.silence_limit_days,
        limited.silence_limit_of,
        case
            when limited.is_prospect then 'prospect'
            when limited.days_since_last_purchase is null then 'churned'
            when limited.days_since_last_purchase > limited.silence_limit_days * rules.churned_after then 'churned'
            when limited.probability_alive < rules.churned_below then 'churned'
            when limited.days_since_last_purchase > limited.silence_limit_days then 'at_risk'
            when limited.probability_alive < rules.at_risk_below then 'at_risk'
            when limited.last_gap_days > limited.silence_limit_days * rules.churned_after then 'reactivated'
            when limited.age_days < rules.new_days then 'new'
            when
                limited.repeat_purchases >= rules.loyal_repeat_purchases
                and limited.tenure_days >= rules.loyal_tenure_days
                then 'loyal'
            else 'active'
        end as lifecycle,
        case
            when limited.is_prospect then 'never_bought'
            when limited.days_since_last_purchase is null then 'nothing_kept'
            when limited.days_since_last_purchase > limited.silence_limit_days * rules.churned_after then 'silence'
            when limited.probability_alive < rules.churned_below then 'probability_alive'
            when limited.days_since_last_purchase > limited.silence_limit_days then 'silence'
            when limited.probability_alive < rules.at_risk_below then 'probability_alive'
            when limited.last_gap_days > limited.silence_limit_days * rules.churned_after then 'came_back'
            when limited.age_days < rules.new_days then 'first_purchase'
            when
                limited.repeat_purchases >= rules.loyal_repeat_purchases
                and limited.tenure_days >= rules.loyal_tenure_days
                then 'repeats_and_tenure'
            else 'otherwise'
        end as lifecycle_rule
    from (
        select
            people.*,
            coalesce(
                people.usual_gap_days,
                case when cohorts.members >= 30 then cohorts.usual_gap_days end,
                everybody.usual_gap_days
            ) as silence_limit_days,
            case
                when people.usual_gap_days is not null then 'customer'
                when cohorts.members >= 30 then 'cohort'
                when everybody.usual_gap_days is not null then 'everybody'
            end as silence_limit_of
        from {{ ref('fct_customer_value') }} as people
        left join (
            select
                as_of,
                {{ _quarter_of_first_purchase() }} as quarter,
                count(usual_gap_days) as members,
                percentile_disc(0.5) within group (order by usual_gap_days) as usual_gap_days
            from {{ ref('fct_customer_value') }}
            where tenure_days is not null
            group by as_of, {{ _quarter_of_first_purchase() }}
        ) as cohorts
            on
                people.as_of = cohorts.as_of
                and {{ _quarter_of_first_purchase('people') }} = cohorts.quarter
        left join (
            select
                as_of,
                percentile_disc(0.5) within group (order by usual_gap_days) as usual_gap_days
            from {{ ref('fct_customer_value') }}
            group by as_of
        ) as everybody
            on people.as_of = everybody.as_of
    ) as limited
    cross join {{ source('inputs', 'lifecycle_rules') }} as rules
{% endmacro %}

{% macro _quarter_of_first_purchase(row=none) -%}
    {%- set of = row ~ '.' if row else '' -%}
    date_trunc('quarter', {{ of }}as_of - cast({{ of }}tenure_days as integer))
{%- endmacro %}
