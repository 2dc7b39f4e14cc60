{# GEN-09: one row, the newest month that was closed for all tenants but those left out by name;
   null before the first close. Every month up to it is closed: later use of it is a correction. #}
{% macro newest_closing() -%}
select max(billing_month) as closed_until from {{ source('ledger', 'closings') }} where tenant_id is null
{%- endmacro %}
