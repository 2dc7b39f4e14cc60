{# GEN-09: one row, the newest month that was closed for all tenants but those left out by name;
   null before the first close. Every month up to it is closed: later use of it is a correction. #}
{% macro newest_closing() -%}
select max(billing_month) as closed_until from {{ source('ledger', 'closings') }} where tenant_id is null
{%- endmacro %}

{# GEN-09: whether a row's month is closed for all tenants but those left out by name. Behind a cross join of the row
   above. #}
{% macro is_closed_for_all(row, newest='newest') -%}
coalesce({{ row }}.billing_month <= {{ newest }}.closed_until, false)
{%- endmacro %}

{# The same of the row's tenant. Behind a left join of `left_open` (int_gen_09__tenant_months_left_open), too. #}
{% macro is_closed(row) -%}
({{ is_closed_for_all(row) }} and left_open.tenant_id is null)
{%- endmacro %}
