-- A measure by its name: what lets a policy be data. The names are those of the catalogue: what is known of a customer
-- (fct_customer_value.yml), and with `scores`, a row of a policy's own scores, what a policy makes of it
-- (fct_customer_scores.yml).
{% macro measure_value(name, row, scores=none) -%}
    cast(
        case {{ name }}
            {%- for measure in measures() %}
            when '{{ measure }}' then {{ row }}.{{ measure }}
            {%- endfor %}
            {%- if scores %}{{ _scores_by_name(scores) }}{% endif %}
        end as decimal(18, 4)
    )
{%- endmacro %}

-- The measures of a customer.
{% macro measures() -%}
    {{ return(catalogue_of('fct_customer_value').keys() | list) }}
{%- endmacro %}

-- The measures that a policy makes of them.
{% macro policy_scores() -%}
    {{ return(catalogue_of('fct_customer_scores').keys() | list) }}
{%- endmacro %}

-- The columns of a mart that are marked as measures, each with what is said of it.
{% macro catalogue_of(mart) -%}
    {%- set found = {} -%}
    {%- if execute -%}
        {%- for name, column in graph.nodes['model.tierwise.' ~ mart].columns.items() -%}
            {%- set meta = column.meta or column.config.meta -%}
            {%- if meta.get('measure') -%}
                {%- do found.update({name: meta}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

-- A measure that a policy makes, by its name; null where it is another.
{% macro score_value(name, scores) -%}
    case {{ name }}{{ _scores_by_name(scores) }} end
{%- endmacro %}

{% macro _scores_by_name(scores) -%}
    {%- for score in policy_scores() %}
        when '{{ score }}' then {{ scores }}.{{ score }}
    {%- endfor %}
{%- endmacro %}
