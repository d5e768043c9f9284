-- Facts = accepted sales less refunds, per currency, to the cent. What arrived is counted from the accepted log itself,
-- with all that it may replace: on a build that begins anew, everything. The rest was, the night it arrived.
{% test money_is_conserved(model) %}
    {%- set goes_on = execute and run_query('select 1 from ' ~ source('inputs', 'goes_on_from')).rows | length > 0 %}
    with days as (
        select
            {{ latest_day() }} as as_of,
            {{ day_ends_at(latest_day(), 'company.time_zone') }} as ends_at
        from {{ source('inputs', 'company') }} as company
    ),

    arrived as (
        select *
        from {{ source('inputs', 'orders') }}
        {%- if goes_on %}
            where version_of in (select version_of from {{ source('inputs', 'arrived_orders') }})
        {%- endif %}
    ),

    standing as (
        select
            arrived.currency,
            arrived.amount
        from arrived
        inner join days
            on arrived.known_on <= days.as_of and arrived.ordered_at < days.ends_at
        left join ({{ ranked_versions('arrived') }}) as ranked
            on arrived.version_id = ranked.version_id
        where
            arrived.left_out_because is null
            and {{ until('ranked.replaced_on') }} > days.as_of
    ),

    cleaned as (
        select
            currency,
            original_amount as amount,
            {{ 'coalesce(version_of in (select version_of from arrived), false)' if goes_on else 'true' }}
                as has_arrived
        from {{ ref('stg_orders') }} as lines
        where {{ stands_on('lines', latest_day(), 'ordered_on') }}
    ),

    counted as (
        select
            'what arrived' as what,
            currency,
            sum(amount) as amount,
            0 as told_amount
        from standing
        group by currency

        union all

        select
            'what arrived' as what,
            currency,
            0 as amount,
            sum(amount) as told_amount
        from cleaned
        where has_arrived
        group by currency

        union all

        select
            'everything' as what,
            currency,
            sum(amount) as amount,
            0 as told_amount
        from cleaned
        group by currency

        union all

        select
            'everything' as what,
            currency,
            0 as amount,
            sum(original_amount) as told_amount
        from {{ model }}
        group by currency
    )

    select
        what,
        currency,
        sum(amount) as accepted_amount,
        sum(told_amount) as facts_amount
    from counted
    group by what, currency
    having sum(amount) <> sum(told_amount)
{% endtest %}
