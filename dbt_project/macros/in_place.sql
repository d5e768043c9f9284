-- A table is built where it stands: nobody reads the build file while a run builds it, so nothing is built aside,
-- renamed and dropped, as dbt does it for tables that somebody may be reading.
{% materialization table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}

    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        drop table if exists {{ target_relation }};
        {{ create_table_as(False, target_relation, sql) }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
