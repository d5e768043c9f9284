-- Grain: one row per version of an override. Which versions stand, from when until when, and why the others go back to
-- their authors. All of it follows from the day each became known, so that nights and one backfill judge alike.
with recursive

policy_days as (
    select distinct
        as_of,
        policy
    from {{ ref('int_policy_tiers__dated') }}
),

known_policies as (
    select distinct policy
    from {{ ref('int_policy_days__decided') }}
),

named as (
    select
        overrides.*,
        ids.customer_key,
        {{ until('overrides.ends_on') }} as last_day
    from {{ ref('stg_tier_overrides') }} as overrides
    left join {{ ref('int_customer_ids__keyed') }} as ids
        on
            overrides.customer_source = ids.source
            and overrides.customer_id = ids.customer_id
            and overrides.known_on >= ids.known_on
),

-- The policy as it is on the first day that decides with the row; of one that pauses, as it was last.
dated as (
    select
        named.*,
        coalesce(next_day.as_of, last_day_before.as_of, named.known_on) as judged_on
    from named
    asof left join policy_days as next_day
        on named.policy = next_day.policy and named.known_on <= next_day.as_of
    asof left join policy_days as last_day_before
        on named.policy = last_day_before.policy and named.known_on > last_day_before.as_of
),

asked as (
    select distinct
        policy,
        tier
    from named
),

days_without_the_tier as (
    select
        policy_days.as_of,
        policy_days.policy,
        asked.tier
    from policy_days
    inner join asked
        on policy_days.policy = asked.policy
    left join {{ ref('int_policy_tiers__dated') }} as tiers
        on policy_days.as_of = tiers.as_of and asked.policy = tiers.policy and asked.tier = tiers.tier
    where tiers.tier is null
),

held_against_the_policy as (
    select
        dated.*,
        gone.as_of as gone_on,
        case
            when dated.customer_key is null then 'unknown_customer'
            when known_policies.policy is null then 'unknown_policy'
            when gone.as_of = dated.judged_on then 'unknown_tier'
        end as sent_back_because
    from dated
    left join known_policies
        on dated.policy = known_policies.policy
    asof left join days_without_the_tier as gone
        on dated.policy = gone.policy and dated.tier = gone.tier and dated.judged_on <= gone.as_of
),

sound as (
    select
        *,
        case when gone_on <= last_day then gone_on end as dropped_on,
        max(version) over (
            partition by source, policy, customer_source, customer_id, starts_on
            order by known_on
            range between unbounded preceding and current row
        ) > version as is_outdated,
        row_number() over (
            partition by policy, customer_key
            order by
                known_on asc,
                updated_at asc nulls first,
                claimed_on asc nulls first,
                accepted_order asc,
                row_number asc
        ) as place
    from held_against_the_policy
    where sent_back_because is null
),

told as (
    select
        *,
        row_number() over (
            partition by policy, customer_key, starts_on, known_on, is_outdated order by place desc
        ) = 1 as is_newest,
        last_day < known_on
        and count(*) over (partition by policy, customer_key, starts_on, known_on) = 1 as is_late
    from sound
),

-- What became known about a customer in a policy on one day. Of a row that came twice that day the last one counts.
turns as (
    select
        policy,
        customer_key,
        known_on,
        judged_on,
        row_number() over (partition by policy, customer_key order by known_on) as turn,
        list(
            {
                'place': place,
                'starts_on': starts_on,
                'last_day': last_day,
                'dropped_on': {{ until('dropped_on') }},
                'is_late': is_late
            }
            order by place
        ) as arriving
    from told
    where is_newest and not is_outdated
    group by policy, customer_key, known_on, judged_on
),

-- Day after day: what stands so far meets what arrives. A newer version of a row takes its place before overlaps are
-- judged; one that itself goes back replaces nothing, and what it would have replaced still stands in the way.
stages as (
    select
        policy,
        customer_key,
        cast(0 as bigint) as turn,
        arriving[:0] as standing,
        cast([] as bigint[]) as taken_places,
        cast([] as bigint[]) as late_places
    from turns
    where turn = 1

    union all

    (
        with

        met as (
            select
                turns.*,
                stages.standing as stood
            from stages
            inner join turns
                on
                    stages.policy = turns.policy
                    and stages.customer_key = turns.customer_key
                    and stages.turn + 1 = turns.turn
        ),

        kept as (
            select
                *,
                [one for one in stood if one.dropped_on > judged_on] as still_standing
            from met
        ),

        -- What ended before it became known only tells the end of what stands, else it goes back.
        in_time as (
            select
                *,
                [
                    new for new in arriving
                    if not new.is_late or list_contains([one.starts_on for one in still_standing], new.starts_on)
                ] as fresh
            from kept
        ),

        apart as (
            select
                *,
                [
                    new for new in fresh
                    if len([
                        other for other in fresh
                        if other.place <> new.place and {{ overlap('other', 'new') }}
                    ]) = 0
                ] as sound_alone
            from in_time
        ),

        taken as (
            select
                *,
                [
                    new for new in sound_alone
                    if len([
                        one for one in still_standing
                        if one.starts_on <> new.starts_on
                        and {{ overlap('one', 'new') }}
                        and not list_contains([newer.starts_on for newer in sound_alone], one.starts_on)
                    ]) = 0
                ] as good
            from apart
        )

        select
            policy,
            customer_key,
            turn,
            list_concat(
                [
                    one for one in still_standing
                    if not list_contains([new.starts_on for new in good], one.starts_on)
                ],
                good
            ) as standing,
            [new.place for new in good] as taken_places,
            [new.place for new in arriving if not list_contains([f.place for f in fresh], new.place)] as late_places
        from taken
    )
),

places as (
    select
        policy,
        customer_key,
        unnest(taken_places) as place,
        cast(null as varchar) as because
    from stages

    union all

    select
        policy,
        customer_key,
        unnest(late_places) as place,
        'ended_before_known' as because
    from stages
),

-- An older version that came no earlier than a newer one never stands, and is no reason to write to anybody.
standing as (
    select
        sound.delivery_id,
        sound.row_number,
        case when places.place is not null and places.because is null then sound.dropped_on end as dropped_on,
        case
            when sound.is_outdated or not sound.is_newest or places.because is not null then places.because
            when places.place is null then 'overlaps'
        end as sent_back_because,
        case
            when sound.is_outdated or not sound.is_newest then sound.known_on
            when places.place is not null and places.because is null
                then
                    lead(sound.known_on) over (
                        partition by
                            sound.policy,
                            sound.customer_key,
                            sound.starts_on,
                            not sound.is_outdated and sound.is_newest and places.place is not null
                            and places.because is null
                        order by sound.place
                    )
        end as replaced_on
    from told as sound
    left join places
        on
            sound.policy = places.policy
            and sound.customer_key = places.customer_key
            and sound.place = places.place
),

judged as (
    select
        -- whose, and what
        named.policy,
        named.customer_key,
        named.tier,
        named.reason,
        named.author,

        -- where it came from
        named.source,
        named.customer_source,
        named.customer_id,
        named.version,
        named.delivery_id,
        named.row_number,

        -- days
        named.starts_on,
        named.ends_on,
        named.known_on,
        case
            when standing.dropped_on < {{ until('standing.replaced_on') }} then standing.dropped_on
        end as dropped_on,
        least(standing.replaced_on, standing.dropped_on) as replaced_on,

        -- and whether it goes back
        coalesce(named.sent_back_because, standing.sent_back_because) as sent_back_because
    from held_against_the_policy as named
    left join standing
        on named.delivery_id = standing.delivery_id and named.row_number = standing.row_number
)

select * from judged
