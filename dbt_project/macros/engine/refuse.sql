-- An expression that stops the statement with a sentence as soon as a row reaches it.
{% macro refuse(sentence) -%}
    {{ return(adapter.dispatch('refuse')(sentence)) }}
{%- endmacro %}

{% macro default__refuse(sentence) -%}
    error('{{ sentence }}')
{%- endmacro %}

{% macro spark__refuse(sentence) -%}
    raise_error('{{ sentence }}')
{%- endmacro %}
