-- GEN-11: usage during a recorded suspension of its service: billed anyway, and flagged.
-- Grain: tenant x month x meter x suspension. Records are read only for months in which a suspended tenant
-- used the suspended service at all, and of those only for touched months.
{% set metered = {
    'int_voi__legs_metered': 'twilio_calls',
    'int_voi_04__recordings_metered': 'twilio_recordings',
    'int_voi_04__transcriptions_metered': 'twilio_transcriptions',
    'int_msg__usage_metered': 'twilio_messages',
    'int_wap__usage_metered': 'whatsapp_webhooks',
} %}
{% set sources = [
    'twilio_calls', 'twilio_recordings', 'twilio_transcriptions', 'twilio_messages',
    'whatsapp_webhooks',
] %}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_months(this, ['twilio_calls', 'twilio_recordings', 'twilio_transcriptions', 'twilio_messages', 'whatsapp_webhooks']) }}",
) }}
{% set suspended = suspended_use(months_touched(sources)) %}

with suspensions as (
    select * from {{ ref('int_gen_02__suspensions_states') }} where is_current
),

meters as (
    select * from {{ ref('meters') }} where service in ('Voice', 'WhatsApp')
),

usage_united as (
    {% for model, source_name in metered.items() %}
    select tenant_id, billing_month, occurred_at, meter, quantity,
    from {{ ref(model) }}
    where
        metered_fate = 'countable'
        and tenant_id in (select suspensions.tenant_id from suspensions)
        {% if suspended.tenants is not none %}
        and tenant_id in (
            ''{% for tenant in suspended.tenants %}, '{{ tenant | replace("'", "''") }}'{% endfor %}
        )
        {% endif %}
        {{ in_months(suspended.months, source_name) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    usage_united.tenant_id,
    usage_united.billing_month,
    usage_united.meter,
    suspensions.suspended_from,
    suspensions.suspended_until,
    count(*)::bigint as record_count,
    sum(usage_united.quantity)::bigint as quantity,
from usage_united
inner join meters on usage_united.meter = meters.meter
inner join suspensions
    on
        usage_united.tenant_id = suspensions.tenant_id
        and lower(meters.service) = lower(suspensions.service)
        and {{ in_force('usage_united.occurred_at', 'suspensions.suspended_from', 'suspensions.suspended_until') }}
group by all
