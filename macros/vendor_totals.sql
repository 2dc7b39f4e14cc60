{# GEN-06: which vendor totals are compared again: those of a month whose records or totals were touched, by the meter
   they are compared with, so that a late call does not cause texts to be read. A vendor's period may reach into a
   neighboring month, so a record of one month can change the result for another. #}
{% macro sources_of_vendor_totals() %}
{{ return({
    'voice_minute': ['twilio_calls', 'twilio_usage_records'],
    'sms_segment': ['twilio_messages', 'twilio_usage_records'],
    'mms_message': ['twilio_messages', 'twilio_usage_records'],
    'whatsapp_conversation': ['whatsapp_webhooks', 'whatsapp_conversation_analytics'],
    'whatsapp_message': ['whatsapp_webhooks', 'whatsapp_pricing_analytics'],
    '': ['twilio_usage_records'],
}) }}
{% endmacro %}

{# Their meters and billing months, and the months they reach into; none means all of them. Call it once per model:
   each call reads the totals, and calling it per source and month made recomputing a month a tenth slower. #}
{% macro vendor_totals_again() %}
{%- if not (execute and is_incremental()) -%}
{{ return(none) }}
{%- endif -%}
{%- set sources = [] -%}
{%- for meter, of_meter in sources_of_vendor_totals().items() -%}
{%- for source_name in of_meter -%}
{%- do sources.append("('" ~ meter ~ "', '" ~ source_name ~ "')") -%}
{%- endfor -%}
{%- endfor -%}
{%- set asked -%}
select distinct
    sources.meter, totals.billing_month::varchar, totals.earliest_month::varchar, totals.latest_month::varchar
from (
    select distinct coalesce(meter, '') as meter, billing_month, earliest_month, latest_month
    from {{ ref('int_gen_06__vendor_totals') }}
) as totals
inner join (values {{ sources | join(', ') }}) as sources (meter, source) on totals.meter = sources.meter
inner join ops.touched_months as touched
    on
        touched.billing_month = date '0001-01-01'
        or (
            touched.source = sources.source
            and touched.billing_month between totals.earliest_month and totals.latest_month
        )
order by all
{%- endset -%}
{{ return(run_query(asked).rows | list) }}
{% endmacro %}

{# Which dimensions of one of Meta's data points are filled, as a text of 0 and 1. #}
{% macro dimensions_filled(columns) -%}
concat(
    {%- for column in columns %}
    case when coalesce({{ column }}, '') = '' then '0' else '1' end{{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}

{# Whether a row of totals is among them. #}
{% macro is_compared_again(again) -%}
(coalesce(meter, ''), billing_month) in (
    ('', date '9999-12-01')
    {%- for row in again %}, ('{{ row[0] }}', date '{{ row[1] }}'){% endfor %}
)
{%- endmacro %}

{# The months whose records are counted for the totals of these meters. #}
{% macro months_of_vendor_periods(again, meters) %}
{%- if again is none -%}
{{ return(none) }}
{%- endif -%}
{%- set months = [] -%}
{%- for row in again if row[0] in meters -%}
{%- do months.extend([row[2], row[3]]) -%}
{%- endfor -%}
{{ return(months | unique | sort | list) }}
{% endmacro %}

{# Run before rows are added: deletes what is compared again. #}
{% macro forget_vendor_totals(relation) %}
{%- set again = vendor_totals_again() -%}
{% if again is not none %}delete from {{ relation }} where {{ is_compared_again(again) }}{% else %}select 1{% endif %}
{% endmacro %}
