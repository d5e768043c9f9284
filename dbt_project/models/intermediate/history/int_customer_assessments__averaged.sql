-- Grain: one row per as_of, basis and customer with an assessment that holds.
-- Of each criterion the assessment that began last counts; the criteria count alike. One that has ended says nothing.
with

linked as (
    select
        customers.customer_key,
        assessments.source,
        assessments.assessment_id,
        assessments.criterion,
        assessments.points,
        assessments.starts_on,
        assessments.ends_on,
        assessments.replaced_on,
        -- one that was known before its customer waited for them
        greatest(assessments.known_on, customers.known_on) as known_on
    from {{ ref('stg_customer_assessments') }} as assessments
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on assessments.customer_source = customers.source and assessments.customer_id = customers.customer_id
),

in_force as (
    select
        asked.as_of,
        asked.basis,
        linked.customer_key,
        linked.points,
        row_number() over (
            partition by asked.as_of, asked.basis, linked.customer_key, linked.criterion
            order by linked.starts_on desc, linked.source asc, linked.assessment_id desc
        ) as recency_rank
    from linked
    inner join {{ ref('int_customers__asked') }} as asked
        on
            linked.customer_key = asked.customer_key
            and {{ stands_on('linked', 'asked.as_of', 'starts_on', 'asked.happened_by') }}
            and {{ until('linked.ends_on') }} >= asked.window_ends_on
),

averaged as (
    select
        as_of,
        basis,
        customer_key,
        {{ ratio_half_even(in_units('sum(points)', 4), '(10000 * count(*))', 4) }} as assessed_points
    from in_force
    where recency_rank = 1
    group by as_of, basis, customer_key
)

select * from averaged
