-- Each kind of segments holds every customer once and all revenue: nobody is counted twice or lost.
{% test segments_are_everybody(model) %}
    with everybody as (
        select
            count(*) as customers,
            coalesce(sum(net_revenue_12m), 0) as net_revenue_12m
        from {{ ref('fct_customer_value') }}
        where is_latest
    ),

    told as (
        select
            segmentation,
            sum(customers) as customers,
            sum(net_revenue_12m) as net_revenue_12m
        from {{ model }}
        group by segmentation
    )

    select *
    from told
    cross join everybody
    where told.customers <> everybody.customers or told.net_revenue_12m <> everybody.net_revenue_12m
{% endtest %}
