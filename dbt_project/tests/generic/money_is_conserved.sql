-- Facts = accepted sales less refunds, per currency, to the cent: counted from the accepted log itself.
{% test money_is_conserved(model) %}
    with standing as (
        {{ standing_versions('orders') }}
    ),

    accepted as (
        select
            standing.currency,
            sum(standing.amount) as amount
        from standing
        cross join {{ source('inputs', 'company') }} as company
        where
            {{ stands_on('standing', latest_day()) }}
            and standing.ordered_at < timezone(
                'UTC', timezone(company.time_zone, cast({{ latest_day() }} + 1 as timestamp))
            )
        group by standing.currency
    ),

    facts as (
        select
            currency,
            sum(original_amount) as amount
        from {{ model }}
        group by currency
    )

    select
        coalesce(accepted.currency, facts.currency) as currency,
        accepted.amount as accepted_amount,
        facts.amount as facts_amount
    from accepted
    full outer join facts
        on accepted.currency = facts.currency
    where accepted.amount is distinct from facts.amount
{% endtest %}
