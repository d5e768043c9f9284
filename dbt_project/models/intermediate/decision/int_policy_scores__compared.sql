-- Grain: one row per as_of, policy and customer of its population. By what the score moved since the decided day
-- before: the policy, what became known late, another value model, the customer's own behaviour, and what left the
-- window. Each step puts
-- one thing more upon the last, so the parts sum to the change. Where nothing of a customer was put in, a step moves
-- nothing.
with

valued as (
    select
        people.as_of,
        people.policy,
        people.customer_key,
        people.score,
        in_force.is_first_decided_day,
        before.customer_key is not null as was_valued,
        {{ measure_value('in_force.previous_measure', 'before') }} as score_before,
        {{ measure_value('in_force.measure', 'before') }} as under_this_policy,
        case
            when corrected.customer_key is null then {{ measure_value('in_force.measure', 'before') }}
            else {{ measure_value('in_force.measure', 'corrected') }}
        end as corrected,
        refitted.customer_key is not null as is_refitted,
        {{ measure_value('in_force.measure', 'refitted') }} as by_another_model,
        case
            when slid.customer_key is null then people.score
            else {{ measure_value('in_force.measure', 'slid') }}
        end as slid
    from {{ ref('int_policy_measures__ranked') }} as people
    inner join {{ ref('int_policies__in_force') }} as in_force
        on
            people.as_of = in_force.as_of
            and people.policy = in_force.policy
            and people.policy_version = in_force.policy_version
    left join {{ ref('int_customers__measured') }} as before
        on
            in_force.previous_as_of = before.as_of
            and people.customer_key = before.customer_key
            and before.basis = 'day'
    left join {{ ref('int_customers__measured') }} as corrected
        on
            people.as_of = corrected.as_of
            and people.customer_key = corrected.customer_key
            and corrected.basis = 'corrected'
    left join {{ ref('int_customers__measured') }} as slid
        on people.as_of = slid.as_of and people.customer_key = slid.customer_key and slid.basis = 'slid'
    left join {{ ref('int_customers__measured') }} as refitted
        on
            people.as_of = refitted.as_of
            and people.customer_key = refitted.customer_key
            and refitted.basis = 'refitted'
    where people.is_main
),

put_in as (
    select
        *,
        case when is_refitted then by_another_model else corrected end as refitted
    from valued
),

compared as (
    select
        as_of,
        policy,
        customer_key,
        {% for part, put_in, before in [
            ('policy', 'under_this_policy', 'score_before'),
            ('identity', 0, 0),
            ('corrected_data', 'corrected', 'under_this_policy'),
            ('value_model', 'refitted', 'corrected'),
            ('own_behaviour', 'score', 'slid'),
            ('left_window', 'slid', 'refitted'),
            ('others_moved', 0, 0),
        ] %}
            cast(
                case when is_first_decided_day then 0 else coalesce({{ put_in }}, 0) - coalesce({{ before }}, 0) end
                as decimal(18, 4)
            ) as part_{{ part }},
        {% endfor %}
        case when is_first_decided_day then score else score_before end as score_before
    from put_in
)

select * from compared
