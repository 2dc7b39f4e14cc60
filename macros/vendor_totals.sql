{# Which vendor totals are compared again (GEN-06), told by what they are beside: those of a month whose records or totals
   were touched. A vendor's period may reach into a month beside its own, so that a record of one month changes what is
   said of another's. By kind: a late call makes nobody read texts. #}
{% macro vendor_kinds() %}
{{ return({
    'calls': {'meters': ['voice_minute'], 'sources': ['twilio_calls', 'twilio_usage_records']},
    'texts': {'meters': ['sms_segment', 'mms_message'], 'sources': ['twilio_messages', 'twilio_usage_records']},
    'whatsapp': {
        'meters': ['whatsapp_conversation', 'whatsapp_message'],
        'sources': ['whatsapp_webhooks', 'whatsapp_conversation_analytics', 'whatsapp_pricing_analytics'],
    },
    'of no meter': {'meters': [''], 'sources': ['twilio_usage_records']},
}) }}
{% endmacro %}

{# The billing months of a kind's totals that are compared again; none means all of them. #}
{% macro months_of_vendor_totals(kind) %}
{%- set touched = months_touched(vendor_kinds()[kind].sources) -%}
{%- if touched is none -%}
{{ return(none) }}
{%- endif -%}
{{ return(months_found(
    'select distinct billing_month::varchar as m from ' ~ ref('int_gen_06__vendor_totals')
    ~ ' where ' ~ is_of_kind(kind) ~ ' and ' ~ reaches_into(touched)
)) }}
{% endmacro %}

{# The months whose records those totals count. #}
{% macro months_of_vendor_periods(kind) %}
{%- set compared = months_of_vendor_totals(kind) -%}
{%- if compared is none -%}
{{ return(none) }}
{%- endif -%}
{{ return(months_found(
    'select distinct unnest([earliest_month, latest_month])::varchar as m from ' ~ ref('int_gen_06__vendor_totals')
    ~ ' where ' ~ is_of_kind(kind) ~ " and billing_month in (date '9999-12-01'" ~ dates_listed(compared) ~ ')'
)) }}
{% endmacro %}

{% macro months_found(query) %}
{{ return(run_query(query ~ ' order by m').columns[0].values() | list) }}
{% endmacro %}

{% macro is_of_kind(kind) -%}
coalesce(meter, '') in ('{{ vendor_kinds()[kind].meters | join("', '") }}')
{%- endmacro %}

{% macro reaches_into(months) -%}
(
    false
    {%- for month in months %}
    or date '{{ month }}' between earliest_month and latest_month
    {%- endfor %}
)
{%- endmacro %}

{# Whether a row of totals is compared again, by its meter and billing month. #}
{% macro is_compared_again() -%}
(
    false
    {%- for kind in vendor_kinds() %}
    {%- set months = months_of_vendor_totals(kind) %}
    or (
        {{ is_of_kind(kind) }}
        {%- if months is not none %} and billing_month in (date '9999-12-01'{{ dates_listed(months) }}){% endif %}
    )
    {%- endfor %}
)
{%- endmacro %}

{# Run before rows are added: what is compared again is taken out. #}
{% macro forget_vendor_totals(relation) %}
{% if execute and is_incremental() %}delete from {{ relation }} where {{ is_compared_again() }}{% else %}select 1{% endif %}
{% endmacro %}
