-- Every counted order line is credited to one tier: the months sum to those of the order lines, to the cent.
{% test sales_by_tier_are_all_sales(model) %}
    with orders as (
        select
            cast({{ dbt.date_trunc('month', 'ordered_on') }} as date) as month_starts_on,
            sum(net_amount) as net_amount
        from {{ ref('fct_orders') }}
        where is_counted
        group by month_starts_on
    ),

    credited as (
        select
            month_starts_on,
            sum(net_amount) as net_amount,
            sum(sale_amount + refund_amount) as sold_and_refunded
        from {{ model }}
        group by month_starts_on
    )

    select
        coalesce(orders.month_starts_on, credited.month_starts_on) as month_starts_on,
        orders.net_amount as order_amount,
        credited.net_amount as credited_amount
    from orders
    full outer join credited
        on orders.month_starts_on = credited.month_starts_on
    where
        orders.net_amount is distinct from credited.net_amount
        or credited.net_amount is distinct from credited.sold_and_refunded
{% endtest %}
