{# Which billing months' vendor totals are compared again (GEN-06): a period of a vendor's may reach into a month beside its
   own, so that a record of one month changes what is said of another's. None means all of them. #}
{% macro months_of_vendor_totals() %}
{%- set touched = months_touched([
    'twilio_calls', 'twilio_messages', 'whatsapp_webhooks', 'twilio_usage_records',
    'whatsapp_conversation_analytics', 'whatsapp_pricing_analytics',
]) -%}
{%- if touched is none -%}
{{ return(none) }}
{%- endif -%}
{{ return(months_found(
    'select distinct billing_month::varchar as m from ' ~ ref('int_gen_06__vendor_totals') ~ ' where ' ~ reaches_into(touched)
)) }}
{% endmacro %}

{# The months whose records those totals count. #}
{% macro months_of_vendor_periods(compared) %}
{%- if compared is none -%}
{{ return(none) }}
{%- endif -%}
{{ return(months_found(
    'select distinct unnest([earliest_month, latest_month])::varchar as m from ' ~ ref('int_gen_06__vendor_totals')
    ~ " where billing_month in (date '9999-12-01'" ~ dates_listed(compared) ~ ')'
)) }}
{% endmacro %}

{% macro months_found(query) %}
{{ return(run_query(query ~ ' order by m').columns[0].values() | list) }}
{% endmacro %}

{% macro reaches_into(months) %}
(
    false
    {%- for month in months %}
    or date '{{ month }}' between earliest_month and latest_month
    {%- endfor %}
)
{%- endmacro %}

{# Run before the comparison is added to: what of it is made again is taken out. #}
{% macro forget_vendor_totals(relation) %}
{% if execute and is_incremental() %}
{%- set months = months_of_vendor_totals() -%}
delete from {{ relation }}
{%- if months is not none %} where billing_month in (date '9999-12-01'{{ dates_listed(months) }}){% endif %}
{% else %}select 1{% endif %}
{% endmacro %}
