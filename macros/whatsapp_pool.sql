{# WAP-06: what may draw on the pool: user-initiated and not free at Meta already. One home, for what draws and for
   the lines that tell of the pool. #}
{% macro may_draw_on_pool(initiated_by='initiated_by', is_meta_free='is_meta_free') -%}
{{ initiated_by }} = 'user' and not {{ is_meta_free }}
{%- endmacro %}
