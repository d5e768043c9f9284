-- Grain: one row per as_of, basis and customer whose rows make that valuation another than its neighbour.
-- `corrected` differs from the day before where a row that had happened by then became known or was replaced since;
-- `slid` differs from the day itself where a row happened since; `day` differs from the day before for either reason,
-- and where a row left or entered a window. Nobody else needs to be valued again: they only grow older.
{% set windows = [
    dbt.dateadd('day', 90, 'happened_on'),
    dbt.dateadd('day', 365, 'happened_on'),
    dbt.dateadd('day', 730, 'happened_on'),
    dbt.dateadd('month', 24, 'happened_on'),
] %}
{% set counts_from = 'greatest(happened_on, known_on)' %}
with

days as (
    select
        as_of,
        happened_by as day_before
    from {{ ref('int_valuations__asked') }}
    where basis = 'corrected'
),

covered as (  -- which day of the run sees a calendar day first
    select
        as_of,
        {{ each_day('day_before', 'as_of') }} as moved_on
    from days
),

span as (
    select
        min(day_before) as day_before,
        max(as_of) as as_of
    from days
),

about_everybody as (
    -- the first interaction or issue of anybody turns the nulls of everybody into counts
    {% for model in ['stg_interactions', 'stg_issue_events'] %}
        select
            min(known_on) as known_on,
            cast(null as date) as replaced_on
        from {{ ref(model) }}

        union
    {% endfor %}

    select
        known_on,
        replaced_on
    from {{ ref('stg_activity_rates') }}
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

    {% for model, happened_on, last_day in [
        ('stg_interactions', 'occurred_on', none),
        ('int_survey_answers__rescaled', 'answered_on', none),
        ('stg_customer_assessments', 'starts_on', 'ends_on'),
        ('stg_customer_facts', 'starts_on', none),
    ] %}
        select
            customers.customer_key,
            named.{{ happened_on }} as happened_on,
            greatest(named.known_on, customers.known_on) as known_on,
            {% if last_day %}
                -- one that has ended is as good as replaced
                least(
                    named.replaced_on, cast({{ dbt.dateadd('day', 1, 'named.' ~ last_day) }} as date)
                ) as replaced_on
            {% else %}
                named.replaced_on
            {% endif %}
        from {{ ref(model) }} as named
        inner join {{ ref('int_customer_ids__keyed') }} as customers
            on named.customer_source = customers.source and named.customer_id = customers.customer_id

        union all
    {% endfor %}

    select
        customer_key,
        due_on as happened_on,
        known_on,
        replaced_on
    from {{ ref('int_payments__valued') }}
    where customer_key is not null

    union all

    -- an issue weighs more once it is open for more than 7 days, and for more than 30
    {% for days in [0, 8, 31] %}
        select
            customer_key,
            cast({{ dbt.dateadd('day', days, 'occurred_on') }} as date) as happened_on,
            known_on,
            replaced_on
        from {{ ref('int_issue_events__named') }}

        union all
    {% endfor %}

    -- what is forecast of an industry, as long as the customer's record names it
    select
        customers.customer_key,
        outlook.starts_on as happened_on,
        greatest(outlook.known_on, records.known_on, customers.known_on) as known_on,
        least(outlook.replaced_on, records.replaced_on) as replaced_on
    from {{ ref('stg_industry_outlook') }} as outlook
    inner join {{ ref('stg_customers') }} as records
        on
            outlook.industry = records.industry
            and outlook.known_on < {{ until('records.replaced_on') }}
            and records.known_on < {{ until('outlook.replaced_on') }}
    inner join {{ ref('int_customer_ids__keyed') }} as customers
        on records.source = customers.source and records.customer_id = customers.customer_id

    union all

    select
        customers.customer_key,
        cast('0001-01-01' as date) as happened_on,
        about_everybody.known_on,
        about_everybody.replaced_on
    from {{ ref('int_customer_ids__keyed') }} as customers
    cross join about_everybody
),

recent as (  -- of all rows those that moved anything since the run's first day began
    select facts.*
    from facts
    cross join span
    where
        ({{ counts_from }} > span.day_before and {{ counts_from }} <= span.as_of)
        or (facts.replaced_on > span.day_before and facts.replaced_on <= span.as_of)
        {% for window in windows %}
            or (cast({{ window }} as date) > span.day_before and cast({{ window }} as date) <= span.as_of)
        {% endfor %}
),

corrections as (  -- the days on which a row began to count, or ceased to
    select
        customer_key,
        happened_on,
        known_on as corrected_on
    from recent

    union all

    select
        customer_key,
        happened_on,
        replaced_on as corrected_on
    from recent
),

moves as (  -- the days on which a row begins to count, ceases to, or leaves one window for the next
    select
        customer_key,
        {{ counts_from }} as moved_on
    from recent
    where {{ counts_from }} < {{ until('replaced_on') }}

    union all

    select
        customer_key,
        replaced_on as moved_on
    from recent
    where {{ counts_from }} < replaced_on

    {% for window in windows %}
        union all

        select
            customer_key,
            cast({{ window }} as date) as moved_on
        from recent
        where cast({{ window }} as date) >= known_on and cast({{ window }} as date) < {{ until('replaced_on') }}
    {% endfor %}

    union all

    select
        customer_key,
        min(known_on) as moved_on
    from {{ ref('int_customer_ids__keyed') }}
    group by customer_key
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
        recent.customer_key
    from recent
    inner join {{ ref('int_valuations__asked') }} as valuations
        on
            recent.happened_on > valuations.happened_by
            and {{ stands_on('recent', 'valuations.as_of', 'happened_on') }}
    where valuations.basis = 'slid'

    union

    select
        covered.as_of,
        'day' as basis,
        moves.customer_key
    from moves
    inner join covered
        on moves.moved_on = covered.moved_on
)

select * from touched
