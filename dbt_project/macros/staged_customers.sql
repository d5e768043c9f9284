-- Where each customer is on their way, on every day that fct_customer_value holds, and by which rule: the common table
-- expressions that end in `staged`. A silence is judged against the customer's own gaps; where they have fewer than
-- four, against those of who first bought in the same quarter (the median of theirs, where thirty are known), else of
-- everybody. Days know nothing of each other: who needs the latest alone has it alone.
{% macro staged_customers(latest_alone=false) %}
    bought as (
        select
            *,
            date_trunc('quarter', as_of - cast(tenure_days as integer)) as cohort
        from {{ ref('fct_customer_value') }}
        {{ 'where is_latest' if latest_alone }}
    ),

    cohorts as (
        select
            as_of,
            cohort,
            percentile_disc(0.5) within group (order by usual_gap_days) as usual_gap_days
        from bought
        where cohort is not null
        group by as_of, cohort
        having count(usual_gap_days) >= 30
    ),

    everybody as (
        select
            as_of,
            percentile_disc(0.5) within group (order by usual_gap_days) as usual_gap_days
        from bought
        group by as_of
    ),

    limited as (
        select
            bought.*,
            coalesce(bought.usual_gap_days, cohorts.usual_gap_days, everybody.usual_gap_days) as silence_limit_days,
            case
                when bought.usual_gap_days is not null then 'customer'
                when cohorts.usual_gap_days is not null then 'cohort'
                when everybody.usual_gap_days is not null then 'everybody'
            end as silence_limit_of
        from bought
        left join cohorts
            on bought.as_of = cohorts.as_of and bought.cohort = cohorts.cohort
        left join everybody
            on bought.as_of = everybody.as_of
    ),

    judged as (  -- the first that holds, and what it is called
        select
            limited.*,
            case
                when limited.is_prospect then ['prospect', 'never_bought']
                when limited.days_since_last_purchase is null then ['churned', 'nothing_kept']
                when limited.days_since_last_purchase > limited.silence_limit_days * rules.churned_after
                    then ['churned', 'silence']
                when limited.probability_alive < rules.churned_below then ['churned', 'probability_alive']
                when limited.days_since_last_purchase > limited.silence_limit_days then ['at_risk', 'silence']
                when limited.probability_alive < rules.at_risk_below then ['at_risk', 'probability_alive']
                when limited.last_gap_days > limited.silence_limit_days * rules.churned_after
                    then ['reactivated', 'came_back']
                when limited.age_days < rules.new_days then ['new', 'first_purchase']
                when
                    limited.repeat_purchases >= rules.loyal_repeat_purchases
                    and limited.tenure_days >= rules.loyal_tenure_days
                    then ['loyal', 'repeats_and_tenure']
                else ['active', 'otherwise']
            end as stage_and_rule
        from limited
        cross join {{ source('inputs', 'lifecycle_rules') }} as rules
    ),

    staged as (
        select
            as_of,
            customer_key,
            net_revenue_12m,
            silence_limit_days,
            silence_limit_of,
            stage_and_rule[1] as lifecycle,
            stage_and_rule[2] as lifecycle_rule
        from judged
    )
{% endmacro %}
