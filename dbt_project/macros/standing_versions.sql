-- Which version of a row stands, and until when. Of the versions known by a day the last by `updated_at` stands, then
-- by the day its delivery claims, then by acceptance. So a version is replaced on the first day on which any version
-- that outranks it is known, in whatever order they arrived; one replaced before it was known never stands.
-- What was read anew under a changed mapping ranks right behind what the same row gave before; where that was withdrawn
-- the withdrawal stands, and no row with it.
-- On a table that goes on from another night's only what arrived since is read, and what it may replace ranked anew.
{% macro standing_versions(stream) %}
    {%- set log = source('inputs', ('arrived_' if is_incremental() else '') ~ stream) %}
    select
        log.*,
        ranked.replaced_on
    from {{ log }} as log
    left join ({{ ranked_versions(log) }}) as ranked
        on log.version_id = ranked.version_id
    where
        log.left_out_because is null
        and log.is_withdrawn is not true
        and (ranked.replaced_on is null or ranked.replaced_on > ranked.known_on)
{% endmacro %}

-- Versions of which there are others, and what replaces each. On a table that begins anew most rows have but one: they
-- are not ranked at all. What arrives later is ranked with what it may replace.
{% macro ranked_versions(log) %}
    select
        version_id,
        known_on,
        min(known_on) over (
            partition by version_of
            order by
                version_updated_at asc nulls first,
                claimed_on asc nulls first,
                ranks_as asc nulls first,
                version_row asc nulls first,
                accepted_order asc,
                last_row asc
            rows between 1 following and unbounded following
        ) as replaced_on
    from (
        {{ versions_of(log) }}
        where
            left_out_because is null
            {%- if not is_incremental() %}
            and version_of in (
                select several.version_of
                from {{ log }} as several
                where several.left_out_because is null
                group by several.version_of
                having count(*) > 1
            )
            {%- endif %}
        group by version_of, version_id
        {% if is_incremental() %}
            union all
            {{ versions_of(this) }}
            where version_of in (select arrived.version_of from {{ log }} as arrived)
            group by version_of, version_id
        {% endif %}
    ) as versions
{% endmacro %}

{% macro versions_of(rows) %}
    select
        version_of,
        version_id,
        max(known_on) as known_on,
        max(version_updated_at) as version_updated_at,
        max(claimed_on) as claimed_on,
        max(ranks_as) as ranks_as,
        max(version_row) as version_row,
        max(accepted_order) as accepted_order,
        max(row_number) as last_row
    from {{ rows }}
{% endmacro %}

-- The versions that stood before something arrived that may replace them: the end of a staging model, whose last
-- column is `replaced_on`.
{% macro and_those_before(stream) %}
    {%- if is_incremental() %}
        union all
        select kept.* replace (ranked.replaced_on as replaced_on)
        from {{ this }} as kept
        inner join ({{ ranked_versions(source('inputs', 'arrived_' ~ stream)) }}) as ranked
            on kept.version_id = ranked.version_id
    {%- endif %}
{% endmacro %}

-- What the next night asks of a version: the columns that staging models carry for it, before `replaced_on`.
{% macro version_columns(rows) %}
    {%- for column in
        ['version_of', 'version_id', 'version_updated_at', 'claimed_on', 'ranks_as', 'version_row', 'accepted_order',
            'row_number']
    %}
        {{ rows }}.{{ column }},
    {%- endfor %}
{% endmacro %}
