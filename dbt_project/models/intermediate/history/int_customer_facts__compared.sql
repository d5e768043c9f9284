-- Grain: one row per as_of, basis and customer of whose own business something is known.
-- How it grew: each fact that became another within the last 365 days against what it was before them, and the mean of
-- those. What nobody looked at again did not stay the same: it is not known. Of two sources the later day counts.
with

linked as (
    select
        customers.customer_key,
        facts.source,
        facts.customer_source,
        facts.customer_id,
        facts.fact,
        facts.value,
        facts.starts_on,
        facts.replaced_on,
        greatest(facts.known_on, customers.known_on) as known_on
    from {{ ref('stg_customer_facts') }} as facts
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on facts.customer_source = customers.source and facts.customer_id = customers.customer_id
),

standing as (
    select
        asked.as_of,
        asked.basis,
        asked.window_ends_on,
        linked.customer_key,
        linked.source,
        linked.customer_source,
        linked.customer_id,
        linked.fact,
        linked.value,
        linked.starts_on,
        {{ within_days('linked.starts_on', 'asked.window_ends_on', 365) }} as is_recent,
        {{ within_days('linked.starts_on', 'asked.window_ends_on', 730) }} as still_holds
    from linked
    inner join {{ ref('int_customers__asked') }} as asked
        on
            linked.customer_key = asked.customer_key
            and {{ stands_on('linked', 'asked.as_of', 'starts_on', 'asked.happened_by') }}
),

placed as (
    select
        *,
        row_number() over (
            partition by as_of, basis, customer_key, fact, is_recent
            order by starts_on desc, source asc, customer_source asc, customer_id asc
        ) as place
    from standing
),

paired as (  -- of each fact the last of the last 365 days, and the last before them
    select
        as_of,
        basis,
        customer_key,
        fact,
        max(case when is_recent then value end) as value_since,
        max(case when not is_recent then value end) as value_before,
        max(case when not is_recent and still_holds then value end) as value_that_holds
    from placed
    where place = 1
    group by as_of, basis, customer_key, fact
),

grown as (
    select
        as_of,
        basis,
        customer_key,
        case
            when fact <> 'spend' and value_before > 0 and value_since is not null
                then {{ ratio_half_even(in_units('(value_since - value_before)', 4), in_units('value_before', 4), 4) }}
        end as growth,
        case when fact = 'spend' then coalesce(value_since, value_that_holds) end as spend
    from paired
),

compared as (
    select
        as_of,
        basis,
        customer_key,
        {{ ratio_half_even(in_units('sum(growth)', 4), '(10000 * nullif(count(growth), 0))', 4) }} as development_12m,
        {{ round_money('max(spend)') }} as spend
    from grown
    group by as_of, basis, customer_key
)

select * from compared
