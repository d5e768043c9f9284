-- Decisions have state, so they run day by day: the same compiled SQL once for every day of `run_days`, in order,
-- each day reading what the days before it left in the table. `starts_with` names the state that the run starts from.
{% materialization day_by_day, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set start = ref(config.require('starts_with')) -%}

    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        create or replace table {{ target_relation }} as select * from {{ start }}
    {%- endcall %}
    {%- set run_days = source('inputs', 'run_days') -%}
    {%- set days = run_query('select as_of from ' ~ run_days ~ ' order by as_of').columns[0].values() -%}
    {%- for day in days %}
        {% do run_query("create or replace temp table decided_day as select cast('" ~ day ~ "' as date) as as_of") %}
        {% do run_query('insert into ' ~ target_relation ~ ' by name ' ~ sql) %}
    {%- endfor %}
    {% do run_query('delete from ' ~ target_relation ~ ' where as_of not in (select as_of from ' ~ run_days ~ ')') %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
