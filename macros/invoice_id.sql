{# GEN-12: the invoice of a line, one per tenant, month and payment method. Defined only here. A line in a currency
   that the tenant has since left (not `own_currency`) is on an invoice of its own (GEN-08). #}
{% macro invoice_id(own_currency) -%}
tenant_id || '/' || strftime(billing_month, '%Y-%m') || '/' || payment_method_id
|| case when currency_code != {{ own_currency }} then '/' || currency_code else '' end
{%- endmacro %}
