-- Grain: one row per as_of, basis and customer whose rows make that valuation another than its neighbour.
-- `corrected` differs from the day before where a row that had happened by then became known or was replaced since;
-- `slid` differs from the day itself where a row happened since. Nobody else needs to be valued again.
with

interactions_began as (
    select min(known_on) as known_on
    from {{ ref('stg_interactions') }}
),

facts as (
    select
        customer_key,
        ordered_on as happened_on,
        known_on,
        replaced_on
    from {{ ref('int_order_lines__valued') }}
    where is_counted

    union all

    -- a refund is netted on the day of its order, whoever's order that is
    select
        refunds.customer_key,
        originals.ordered_on as happened_on,
        originals.known_on,
        originals.replaced_on
    from {{ ref('int_order_lines__valued') }} as refunds
    inner join {{ ref('stg_orders') }} as originals
        on refunds.source = originals.source and refunds.original_order_id = originals.order_id
    where refunds.kind <> 'sale' and originals.kind = 'sale'

    union all

    select
        customers.customer_key,
        interactions.occurred_on as happened_on,
        greatest(interactions.known_on, customers.known_on) as known_on,
        interactions.replaced_on
    from {{ ref('stg_interactions') }} as interactions
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on interactions.customer_source = customers.source and interactions.customer_id = customers.customer_id

    union all

    select
        customers.customer_key,
        answers.answered_on as happened_on,
        greatest(answers.known_on, customers.known_on) as known_on,
        answers.replaced_on
    from {{ ref('int_survey_answers__rescaled') }} as answers
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on answers.customer_source = customers.source and answers.customer_id = customers.customer_id

    union all

    -- the first interaction of anybody turns the nulls of everybody into counts
    select
        customers.customer_key,
        cast('0001-01-01' as date) as happened_on,
        interactions_began.known_on,
        cast(null as date) as replaced_on
    from {{ ref('int_customer_ids__keyed') }} as customers
    cross join interactions_began
),

corrections as (  -- the days on which a row began to count, or ceased to
    select
        customer_key,
        happened_on,
        known_on as corrected_on
    from facts

    union all

    select
        customer_key,
        happened_on,
        replaced_on as corrected_on
    from facts
),

touched as (
    select
        valuations.as_of,
        valuations.basis,
        corrections.customer_key
    from corrections
    inner join {{ ref('int_valuations__asked') }} as valuations
        on
            corrections.happened_on <= valuations.happened_by
            and corrections.corrected_on > valuations.happened_by
            and corrections.corrected_on <= valuations.as_of
    where valuations.basis = 'corrected'

    union

    select
        valuations.as_of,
        valuations.basis,
        facts.customer_key
    from facts
    inner join {{ ref('int_valuations__asked') }} as valuations
        on
            facts.happened_on > valuations.happened_by
            and {{ stands_on('facts', 'valuations.as_of', 'happened_on') }}
    where valuations.basis = 'slid'
)

select * from touched
