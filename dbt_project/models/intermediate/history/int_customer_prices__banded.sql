-- Grain: one row per customer and band of quantities they bought in the 12 months to the release's day.
-- A large quantity is cheaper for everybody: what a customer paid is held against what others paid for as many. Lines
-- count of which the list price is known, or whether their product is premium.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ take_out('int_customers__touched', ['customer_key']) }}"
) }}
-- depends_on: {{ ref('int_customers__touched') }}
with

days as (
    select {{ latest_day() }} as as_of
),

listed as (
    select
        lines.customer_key,
        case
            when lines.quantity >= 1000 then 1000
            when lines.quantity >= 100 then 100
            when lines.quantity >= 10 then 10
            else 1
        end as quantity_from,
        lines.net_amount,
        lines.list_amount,
        lines.is_premium
    from {{ ref('int_order_lines__valued') }} as lines
    inner join days
        on
            {{ stands_on('lines', 'days.as_of', 'ordered_on') }}
            and {{ within_days('lines.ordered_on', 'days.as_of', 365) }}
    {% if is_incremental() %}
        semi join {{ ref('int_customers__touched') }} as touched
            on lines.customer_key = touched.customer_key
    {% endif %}
    where lines.is_counted and lines.kind = 'sale' and (lines.list_amount > 0 or lines.is_premium is not null)
),

banded as (
    select
        customer_key,
        cast(quantity_from as bigint) as quantity_from,
        cast(sum(case when list_amount > 0 then 1 else 0 end) as bigint) as purchases,
        cast(sum(case when net_amount < list_amount then 1 else 0 end) as bigint) as discounted_purchases,
        cast(sum(case when list_amount > 0 then list_amount else 0 end) as decimal(18, 2)) as list_amount,
        cast(sum(case when list_amount > 0 then net_amount else 0 end) as decimal(18, 2)) as paid_amount,
        cast(sum(case when is_premium then net_amount else 0 end) as decimal(18, 2)) as premium_amount,
        cast(sum(case when is_premium is not null then net_amount else 0 end) as decimal(18, 2)) as graded_amount
    from listed
    group by customer_key, quantity_from
)

select * from banded
