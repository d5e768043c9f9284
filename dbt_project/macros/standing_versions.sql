-- Which version of a row stands, and until when. Of the versions known by a day the last by `updated_at` stands, then
-- by the day its delivery claims, then by acceptance. So a version is replaced on the first day on which any version
-- that outranks it is known, in whatever order they arrived; one replaced before it was known never stands.
{% macro standing_versions(stream) %}
    select
        log.*,
        ranked.replaced_on
    from {{ source('inputs', stream) }} as log
    inner join (
        select
            version_id,
            known_on,
            min(known_on) over (
                partition by version_of
                order by
                    version_updated_at asc nulls first,
                    claimed_on asc nulls first,
                    accepted_order asc,
                    version_row asc
                rows between 1 following and unbounded following
            ) as replaced_on
        from (
            select
                version_of,
                version_id,
                max(known_on) as known_on,
                max(version_updated_at) as version_updated_at,
                max(claimed_on) as claimed_on,
                max(accepted_order) as accepted_order,
                max(row_number) as version_row
            from {{ source('inputs', stream) }}
            where left_out_because is null
            group by version_of, version_id
        ) as versions
    ) as ranked
        on log.version_id = ranked.version_id
    where
        log.left_out_because is null
        and (ranked.replaced_on is null or ranked.replaced_on > ranked.known_on)
{% endmacro %}
