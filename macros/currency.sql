{# GEN-08: the currency of a tenant's month: the one in which anything of it was invoiced, else the tenant's own.
   Defined only here, for every model that prices a month, fines included. Use it after a join of `tenants`. #}
{% macro currency_of_month() %}coalesce(currencies_invoiced.currency_code, tenants.currency_code){% endmacro %}

{% macro join_currency_invoiced(usage) %}
left join {{ ref('int_gen_08__currencies_invoiced') }} as currencies_invoiced
    on
        {{ usage }}.tenant_id = currencies_invoiced.tenant_id
        and {{ usage }}.billing_month = currencies_invoiced.billing_month
{%- endmacro %}
