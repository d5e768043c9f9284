-- Grain: one row per as_of, policy, version, part of its score and value at which the score steps.
-- What makes 0-100 of a value: a staircase. `score` is for who has the value, `score_above` for who has more and less
-- than the next one. A share and a percentile step at every value that an eligible customer has, points at their bands;
-- the lowest step lies below every number. Of nobody, and of a total of nothing, everybody's score is 0.
with

ruling as (
    select distinct
        as_of,
        policy,
        policy_version
    from {{ ref('int_policy_people__matched') }}
),

parts as (
    select
        ruling.as_of,
        parts.policy,
        parts.policy_version,
        parts.position,
        parts.scored_by,
        parts.more_is_better,
        parts.weight
    from {{ source('inputs', 'policy_score_parts') }} as parts
    inner join ruling
        on parts.policy = ruling.policy and parts.policy_version = ruling.policy_version
),

counted as (
    select
        measured.as_of,
        measured.policy,
        measured.policy_version,
        measured.position,
        measured.value,
        count(*) as equal,
        sum(greatest(measured.value, 0)) as amount
    from {{ ref('int_policy_parts__measured') }} as measured
    inner join {{ ref('int_policy_people__judged') }} as people
        on
            measured.as_of = people.as_of
            and measured.policy = people.policy
            and measured.policy_version = people.policy_version
            and measured.customer_key = people.customer_key
            and people.is_eligible
    where measured.basis = 'day'
    group by measured.as_of, measured.policy, measured.policy_version, measured.position, measured.value

    union all

    select
        as_of,
        policy,
        policy_version,
        position,
        {{ below_every_number() }} as value,
        0 as equal,
        0 as amount
    from parts
),

summed as (
    select
        as_of,
        policy,
        policy_version,
        position,
        value,
        cast(equal as bigint) as equal,
        cast(sum(equal) over at_most as bigint) as at_most,
        cast(sum(equal) over everybody as bigint) as customers,
        {{ in_units('sum(amount) over at_most', 4) }} as amount_at_most,
        {{ in_units('sum(amount) over everybody', 4) }} as amount_of_all
    from counted
    window
        at_most as (
            partition by as_of, policy, policy_version, position
            order by value
            rows between unbounded preceding and current row
        ),
        everybody as (partition by as_of, policy, policy_version, position)
),

standing as (  -- twice the number behind: one who stands beside is half a one behind
    select
        parts.*,
        summed.value,
        summed.amount_at_most,
        summed.amount_of_all,
        summed.customers,
        case
            when parts.more_is_better then 2 * summed.at_most - summed.equal
            else 2 * (summed.customers - summed.at_most) + summed.equal
        end as twice_behind,
        2 * case when parts.more_is_better then summed.at_most else summed.customers - summed.at_most end
            as twice_behind_above
    from parts
    inner join summed
        on
            parts.as_of = summed.as_of
            and parts.policy = summed.policy
            and parts.policy_version = summed.policy_version
            and parts.position = summed.position
    where parts.scored_by <> 'points'
),

compared as (
    select
        as_of,
        policy,
        policy_version,
        position,
        value,
        {% for score, twice_behind in [('score', 'twice_behind'), ('score_above', 'twice_behind_above')] %}
            case
                when scored_by = 'value_share' and amount_of_all > 0
                    then {{ ratio_half_even('amount_at_most * 100', 'amount_of_all', 4) }}
                when scored_by = 'percentile' and customers > 0
                    then {{ ratio_half_even(twice_behind ~ ' * 100', '2 * customers', 4) }}
                else 0
            end as {{ score }},
        {% endfor %}
        cast(null as decimal(18, 4)) as points
    from standing
),

in_bands as (
    select
        parts.as_of,
        parts.policy,
        parts.policy_version,
        parts.position,
        coalesce(bands.at_least, {{ below_every_number() }}) as value,
        {{ ratio_half_even(in_units('bands.points', 4) ~ ' * 100', in_units('parts.weight', 4), 4) }} as score,
        score as score_above,
        bands.points
    from parts
    inner join {{ source('inputs', 'policy_points') }} as bands
        on
            parts.policy = bands.policy
            and parts.policy_version = bands.policy_version
            and parts.position = bands.position
),

drawn as (
    select * from compared
    union all
    select * from in_bands
)

select * from drawn
