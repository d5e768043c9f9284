with

explained as (
    select *
    from {{ ref('tier_explanations') }}
    where wanted_tier is not null or reason = 'held_not_eligible'
),

policies as (
    select *
    from {{ ref('int_policies__in_force') }}
    where as_of = {{ latest_day() }}
),

runs as (
    select
        policy,
        customer_key,
        wanted_tier,
        unnest(runs) as run
    from {{ ref('int_tier_decisions__decided') }}
    where as_of = {{ latest_day() }} and wanted_tier is not null
),

-- Who rises asks from the first review day on which its run towards the tier is complete; anybody else asks anew.
waiting as (
    select
        explained.*,
        least(
            coalesce(
                {{ review_on_or_after(
                    'policies.review_calendar', 'explained.first_sale_on',
                    "cast(runs.run['since'] + policies.confirm_days - 1 as date)"
                ) }},
                explained.as_of
            ),
            explained.as_of
        ) as waiting_since,
        count(*) over (  -- equals sit together or not at all, so they share the last place of their group
            partition by explained.policy, explained.group_name, explained.wanted_tier
            order by explained.rank_position
            range between unbounded preceding and current row
        ) as place_in_queue
    from explained
    inner join policies
        on explained.policy = policies.policy
    left join runs
        on
            explained.policy = runs.policy
            and explained.customer_key = runs.customer_key
            and explained.wanted_tier = runs.run['tier']
            and runs.run['kind'] = 'clearing'
    where explained.wanted_tier is not null
),

covered as (
    select
        explained.policy,
        explained.customer_key,
        valued.as_of,
        {{ score_coverage() }} as coverage
    from explained
    inner join policies
        on explained.policy = policies.policy
    inner join {{ ref('fct_customer_value') }} as valued
        on explained.customer_key = valued.customer_key
    inner join {{ source('inputs', 'policy_score_parts') }} as parts
        on policies.policy = parts.policy and policies.policy_version = parts.policy_version
    where explained.reason = 'held_not_eligible' and {{ measure_value('parts.measure', 'valued') }} is not null
    group by explained.policy, explained.customer_key, valued.as_of
),

seen as (  -- on the release's day and at every month-end before it
    select
        explained.policy,
        explained.customer_key,
        valued.as_of,
        {{ is_eligible('policies', 'explained', 'covered', 'valued.as_of', 'valued') }} as is_eligible
    from explained
    inner join policies
        on explained.policy = policies.policy
    inner join {{ ref('fct_customer_value') }} as valued
        on explained.customer_key = valued.customer_key
    left join covered
        on
            explained.policy = covered.policy
            and explained.customer_key = covered.customer_key
            and valued.as_of = covered.as_of
    where explained.reason = 'held_not_eligible'
),

not_eligible as (
    select
        policy,
        customer_key,
        min(as_of) as first_seen_on
    from (
        select
            *,
            max(as_of) filter (where is_eligible) over (partition by policy, customer_key) as last_eligible_on
        from seen
    ) as followed
    where as_of > coalesce(last_eligible_on, cast('0001-01-01' as date))
    group by policy, customer_key
),

held as (
    select
        explained.*,
        greatest(not_eligible.first_seen_on, explained.tier_since) as waiting_since
    from explained
    inner join not_eligible
        on explained.policy = not_eligible.policy and explained.customer_key = not_eligible.customer_key
),

listed as (
    select
        waiting.*,
        'waiting_for_seat' as kind
    from waiting

    union all by name

    select
        held.*,
        'held_not_eligible' as kind
    from held
    where {{ dbt.datediff('held.waiting_since', 'held.as_of', 'day') }} > 365
),

waiting_list as (
    select
        as_of,
        policy,
        customer_key,
        kind,
        tier,
        wanted_tier,
        group_name,
        place_in_queue,
        waiting_since,
        rank_position,
        score
    from listed
)

select * from waiting_list
