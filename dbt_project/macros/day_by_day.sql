-- Decisions have state, so they run day by day: the same compiled SQL once for every day of `run_days`, in order. It
-- reads the day from `decided_day`, and what the decided day before left from `state_before`; the first day of a run
-- starts from the input that the model names as `starts_from`.
{% materialization day_by_day, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set start = source('inputs', config.require('starts_from')) -%}

    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        create or replace temp view state_before as select * from {{ start }}
    {%- endcall %}
    {%- set run_days = source('inputs', 'run_days') -%}
    {%- set days = run_query('select as_of from ' ~ run_days ~ ' order by as_of').columns[0].values() -%}
    {%- for day in days %}
        {% do run_query("create or replace temp table decided_day as select cast('" ~ day ~ "' as date) as as_of") %}
        {%- if loop.first %}
            {% do run_query('create or replace table ' ~ target_relation ~ ' as ' ~ sql) %}
        {%- else %}
            {% do run_query('insert into ' ~ target_relation ~ ' by name ' ~ sql) %}
        {%- endif %}
        {% do run_query(
            'create or replace temp view state_before as select * from ' ~ target_relation
            ~ " where as_of = '" ~ day ~ "' and reason <> 'left_population'"
        ) %}
    {%- endfor %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
