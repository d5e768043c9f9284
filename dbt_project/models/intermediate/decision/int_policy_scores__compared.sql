-- Grain: one row per as_of, policy and customer of its population. By what the score moved since the decided day
-- before: the policy, what became known late, another value model, what left the window, the customer's own behaviour,
-- and, where the policy makes the score, everybody else. Each step puts one thing more upon the last, so the parts sum
-- to the change. Where nothing of a customer was put in, a step moves nothing.
with

scored as (  -- by the measure that the policy speaks of, where it makes that one itself
    select
        {% for basis in ['old', 'before', 'corrected', 'refitted', 'slid', 'then'] %}
            {% set measure = 'in_force.previous_measure' if basis == 'old' else 'in_force.measure' %}
            max(case when weighted.basis = '{{ basis }}' then {{ score_value(measure, 'weighted') }} end)
                as {{ basis }}_score,
        {% endfor %}
        weighted.as_of,
        weighted.policy,
        weighted.policy_version,
        weighted.customer_key
    from {{ ref('int_policy_scores__weighted') }} as weighted
    inner join {{ ref('int_policies__in_force') }} as in_force
        on
            weighted.as_of = in_force.as_of
            and weighted.policy = in_force.policy
            and weighted.policy_version = in_force.policy_version
    where weighted.basis <> 'day'
    group by weighted.as_of, weighted.policy, weighted.policy_version, weighted.customer_key
),

valued as (
    select
        people.as_of,
        people.policy,
        people.customer_key,
        people.score,
        in_force.is_first_decided_day,
        coalesce(
            case
                when in_force.previous_version = in_force.policy_version then scored.before_score
                else scored.old_score
            end,
            {{ measure_value('in_force.previous_measure', 'before') }}
        ) as score_before,
        coalesce(scored.before_score, {{ measure_value('in_force.measure', 'before') }}) as under_this_policy,
        corrected.customer_key is not null as is_corrected,
        coalesce(scored.corrected_score, {{ measure_value('in_force.measure', 'corrected') }}) as as_known_since,
        refitted.customer_key is not null as is_refitted,
        coalesce(scored.refitted_score, {{ measure_value('in_force.measure', 'refitted') }}) as by_another_model,
        slid.customer_key is not null as is_slid,
        coalesce(scored.slid_score, {{ measure_value('in_force.measure', 'slid') }}) as through_the_windows,
        case
            when in_force.measure in ('{{ policy_scores() | join("', '") }}') then scored.then_score
            else people.score
        end as among_the_others_before
    from {{ ref('int_policy_measures__ranked') }} as people
    inner join {{ ref('int_policies__in_force') }} as in_force
        on
            people.as_of = in_force.as_of
            and people.policy = in_force.policy
            and people.policy_version = in_force.policy_version
    left join scored
        on
            people.as_of = scored.as_of
            and people.policy = scored.policy
            and people.policy_version = scored.policy_version
            and people.customer_key = scored.customer_key
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
        case when is_corrected then as_known_since else under_this_policy end as corrected,
        case
            when is_refitted then by_another_model
            when is_corrected then as_known_since
            else under_this_policy
        end as refitted,
        case when is_slid then through_the_windows else among_the_others_before end as slid
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
            ('own_behaviour', 'among_the_others_before', 'slid'),
            ('left_window', 'slid', 'refitted'),
            ('others_moved', 'score', 'among_the_others_before'),
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
