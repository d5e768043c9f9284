-- Grain: one row per policy, customer, kind and tier whose run begins on the decided day. Why it begins; null where
-- the customer stood on that side of the line before, and only the run is new. From the decided day before to this
-- one, one thing after another is put in: the policy, what became known late, another value model, the customer's own
-- behaviour, everybody else. The cause is the last step at which the customer comes to the new side of the line.
-- Against the others of the day before a customer counts with the value that is put in: the line is drawn for one
-- customer more or less where that makes it another, and where the customer itself stood, the next one moves up.
{% set rules = [
    'measure', 'is_scored', 'rank_within', 'after_days', 'minimum_coverage', 'then_by_1', 'then_by_2', 'then_by_3'
] %}
with

in_force as (
    select in_force.*
    from {{ ref('int_policies__in_force') }} as in_force
    inner join decided_day
        on in_force.as_of = decided_day.as_of
),

begun as (
    select
        runs.as_of,
        runs.policy,
        runs.customer_key,
        runs.kind,
        runs.tier,
        met.is_new,
        in_force.is_first_decided_day,
        in_force.previous_as_of
    from {{ ref('int_tier_runs__counted') }} as runs
    inner join {{ ref('int_tier_holders__met') }} as met
        on runs.policy = met.policy and runs.customer_key = met.customer_key
    inner join in_force
        on runs.policy = in_force.policy
    where runs.is_begun
),

steps as (
    select
        policy,
        previous_version as policy_version,
        {% for rule in rules %}
            previous_{{ rule }} as {{ rule }},
        {% endfor %}
        'old_policy' as step,
        -- the scores that this step starts from: of the version before, where it was another
        case when previous_version = policy_version then 'before' else 'old' end as basis
    from in_force
    where previous_version is not null

    union all by name

    select
        in_force.policy,
        in_force.policy_version,
        {% for rule in rules %}
            in_force.{{ rule }},
        {% endfor %}
        step.name as step,
        'before' as basis
    from in_force
    cross join (values ('policy'), ('corrected_data'), ('value_model'), ('own_behaviour')) as step (name)
    where in_force.previous_version is not null
),

customers as (
    select distinct
        customer_key,
        previous_as_of
    from begun
    where previous_as_of is not null
),

values_before as (  -- of one day alone: a backfill holds many
    select valued.*
    from {{ ref('int_customers__measured') }} as valued
    inner join customers
        on valued.customer_key = customers.customer_key and valued.as_of = customers.previous_as_of
    where valued.basis = 'day'
),

described_before as (
    select
        {% for attribute in customer_attributes() %}
            described.{{ attribute }},
        {% endfor %}
        customers.customer_key
    from customers
    left join {{ ref('int_customers__described') }} as described
        on customers.customer_key = described.customer_key and customers.previous_as_of = described.as_of
),

scored as (  -- of that day alone
    select weighted.*
    from {{ ref('int_policy_scores__weighted') }} as weighted
    inner join in_force
        on
            weighted.as_of = in_force.as_of
            and weighted.policy = in_force.policy
            and weighted.policy_version = in_force.policy_version
),

applies_to as (
    select
        policy,
        policy_version,
        attribute,
        list(value) as wanted_values
    from {{ source('inputs', 'policy_applies_to') }}
    group by policy, policy_version, attribute
),

unfit as (  -- whom this version of the policy would not have been for, the day before
    select distinct
        begun.policy,
        begun.customer_key
    from begun
    inner join in_force
        on begun.policy = in_force.policy
    inner join described_before
        on begun.customer_key = described_before.customer_key
    inner join applies_to
        on in_force.policy = applies_to.policy and in_force.policy_version = applies_to.policy_version
    where
        not coalesce(
            list_contains(
                applies_to.wanted_values, {{ attribute_value('applies_to.attribute', 'described_before') }}
            ), false
        )
),

put_in as (
    select
        begun.policy,
        begun.customer_key,
        begun.kind,
        begun.tier,
        begun.previous_as_of,
        steps.* exclude (policy),
        coalesce({{ attribute_value('steps.rank_within', 'described') }}, '') as group_name,
        case when steps.step = 'old_policy' then not begun.is_new else unfit.policy is null end
        and {{ is_eligible('steps', 'before', 'scored_before', 'begun.previous_as_of') }} as was_counted,
        coalesce({{ attribute_value('steps.rank_within', 'described_before') }}, '') as group_before,
        case
            when steps.step = 'own_behaviour' then on_the_day
            -- a buyer whom the version before knew nothing of: it was not for them
            when steps.step = 'old_policy' and begun.is_new and before.first_sale_on is not null then null
            when unfit.policy is not null and (steps.step <> 'old_policy' or begun.is_new) then null
            when steps.step = 'value_model' and refitted.customer_key is not null then refitted
            when steps.step in ('corrected_data', 'value_model') and corrected.customer_key is not null then corrected
            else before
        end as values_put_in,
        before as values_before,
        scored_before as scores_before,
        case
            when steps.step = 'own_behaviour' then 'then'
            when steps.step = 'value_model' and refitted.customer_key is not null then 'refitted'
            when steps.step in ('corrected_data', 'value_model') and corrected.customer_key is not null then 'corrected'
            else steps.basis
        end as basis_put_in
    from begun
    inner join steps
        on begun.policy = steps.policy
    left join {{ ref('int_customers__measured') }} as on_the_day
        on
            begun.as_of = on_the_day.as_of
            and begun.customer_key = on_the_day.customer_key
            and on_the_day.basis = 'day'
    left join {{ ref('int_customers__measured') }} as corrected
        on
            begun.as_of = corrected.as_of
            and begun.customer_key = corrected.customer_key
            and corrected.basis = 'corrected'
    left join {{ ref('int_customers__measured') }} as refitted
        on
            begun.as_of = refitted.as_of
            and begun.customer_key = refitted.customer_key
            and refitted.basis = 'refitted'
    left join values_before as before
        on begun.previous_as_of = before.as_of and begun.customer_key = before.customer_key
    left join scored as scored_before
        on
            begun.policy = scored_before.policy
            and begun.customer_key = scored_before.customer_key
            and steps.basis = scored_before.basis
    inner join described_before
        on begun.customer_key = described_before.customer_key
    left join unfit
        on begun.policy = unfit.policy and begun.customer_key = unfit.customer_key
    left join {{ ref('int_customers__described') }} as described
        on
            begun.customer_key = described.customer_key
            and described.as_of = case
                when steps.step = 'own_behaviour' then begun.as_of else begun.previous_as_of
            end
),

scored_too as (
    select
        put_in.* exclude (basis),
        scored as scores_put_in
    from put_in
    left join scored
        on
            put_in.policy = scored.policy
            and put_in.customer_key = scored.customer_key
            and put_in.basis_put_in = scored.basis
    where put_in.values_put_in is not null  -- whom the policy is not for stands on no side
),

weighed as (
    select
        put_in.policy,
        put_in.customer_key,
        put_in.kind,
        put_in.tier,
        put_in.step,
        put_in.was_counted and put_in.group_name = put_in.group_before as was_counted,
        put_in.step = 'own_behaviour'
        or ({{ is_eligible('put_in', 'put_in.values_put_in', 'put_in.scores_put_in', 'put_in.previous_as_of') }})
            as is_counted,
        lines.condition_kind,
        lines.counted_more,
        lines.clear_rank,
        lines.clear_bound,
        lines.miss_rank,
        lines.miss_bound,
        lines.at_clear_rank,
        lines.behind_clear_rank,
        lines.at_miss_rank,
        lines.behind_miss_rank,
        {{ measure_value('lines.measure', 'put_in.values_put_in', 'put_in.scores_put_in') }} as value,
        {{ standing('lines.measure', 'put_in', 'put_in.values_put_in', 'put_in.scores_put_in') }} as standing,
        {{ measure_value('lines.measure', 'put_in.values_before', 'put_in.scores_before') }} as value_before,
        {{ standing('lines.measure', 'put_in', 'put_in.values_before', 'put_in.scores_before') }} as standing_before
    from scored_too as put_in
    inner join {{ ref('int_policy_lines__drawn') }} as lines
        on
            put_in.previous_as_of = lines.as_of
            and put_in.policy = lines.policy
            and put_in.policy_version = lines.policy_version
            and put_in.group_name = lines.group_name
            and put_in.tier = lines.tier
),

held_against as (
    select
        *,
        -- the standing of the last other customer within the rank: past it, or behind it
        case
            when was_counted and standing_before >= at_clear_rank then behind_clear_rank
            else at_clear_rank
        end as last_who_clears,
        case
            when was_counted and standing_before >= at_miss_rank then behind_miss_rank
            else at_miss_rank
        end as last_who_keeps
    from weighed
    where
        counted_more
        = case when coalesce(value, 0) > 0 and is_counted then 1 else 0 end
        - case when coalesce(value_before, 0) > 0 and was_counted then 1 else 0 end
),

sides as (
    select
        policy,
        customer_key,
        kind,
        tier,
        step,
        case kind
            when 'clearing'
                then bool_and(
                    coalesce(
                        case condition_kind
                            when 'top_share'
                                then
                                    value > 0 and clear_rank is not null
                                    and (last_who_clears is null or standing > last_who_clears)
                            when 'at_least' then value >= clear_bound
                            when 'above' then value > clear_bound
                        end, false
                    )
                )
            when 'missing'
                then bool_or(
                    case condition_kind
                        when 'top_share'
                            then
                                coalesce(value, 0) <= 0 or miss_rank = 0
                                or coalesce(standing < last_who_keeps, false)
                        when 'at_least' then coalesce(value < miss_bound, true)
                        when 'above' then coalesce(value <= miss_bound, true)
                        when 'otherwise' then false
                        when 'manual' then true
                    end
                )
        end as is_there
    from held_against
    group by policy, customer_key, kind, tier, step
),

found as (
    select
        begun.policy,
        begun.customer_key,
        begun.kind,
        begun.tier,
        case
            when begun.is_first_decided_day then 'policy_changed'
            when not coalesce(bool_or(sides.is_there) filter (where sides.step = 'own_behaviour'), false)
                then 'others_moved'
            when not coalesce(bool_or(sides.is_there) filter (where sides.step = 'value_model'), false)
                then 'behaviour'
            when not coalesce(bool_or(sides.is_there) filter (where sides.step = 'corrected_data'), false)
                then 'model_refitted'
            when not coalesce(bool_or(sides.is_there) filter (where sides.step = 'policy'), false)
                then 'data_corrected'
            when not coalesce(bool_or(sides.is_there) filter (where sides.step = 'old_policy'), false)
                then 'policy_changed'
        end as cause
    from begun
    left join sides
        on
            begun.policy = sides.policy
            and begun.customer_key = sides.customer_key
            and begun.kind = sides.kind
            and begun.tier = sides.tier
    group by
        begun.policy,
        begun.customer_key,
        begun.kind,
        begun.tier,
        begun.is_first_decided_day
)

select * from found
