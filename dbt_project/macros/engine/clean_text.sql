-- What a text is once cleaned: Unicode NFC, no blanks at the ends, and null where nothing is left.
{% macro clean_text(column) -%}
    {{ return(adapter.dispatch('clean_text')(column)) }}
{%- endmacro %}

{% macro default__clean_text(column) -%}
    nullif(trim(nfc_normalize({{ column }})), '')
{%- endmacro %}

{% macro spark__clean_text(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}
