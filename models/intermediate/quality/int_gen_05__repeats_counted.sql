-- GEN-05, GEN-02: raw rows that only repeat a record: exact duplicates, and states that lost. For the large
-- sources, the contested records contain all of them.
-- Grain: source x tenant x month x fate x reason. They are counted under the winning state's tenant and
-- month, so that a month's counts add up. For the large sources, only touched months are counted again.
{% set owners = {
    'twilio_calls': ('int_gen_02__calls_contested', 'twilio', "account_sid"),
    'twilio_messages': ('int_gen_02__text_messages_contested', 'twilio', "account_sid"),
    'twilio_recordings': ('int_gen_02__recordings_contested', 'twilio', "account_sid"),
    'twilio_transcriptions': ('int_gen_02__transcriptions_contested', 'twilio', "account_sid"),
    'twilio_phone_numbers': ('int_gen_02__number_snapshots_states', 'twilio', "account_sid"),
    'twilio_usage_records': ('int_gen_02__usage_records_states', 'twilio', "account_sid"),
    'whatsapp_webhooks': ('int_gen_02__whatsapp_events_contested', 'whatsapp', "waba_id"),
    'whatsapp_conversation_analytics': ('int_gen_02__whatsapp_conversation_analytics_states', 'whatsapp', "waba_id"),
    'whatsapp_pricing_analytics': ('int_gen_02__whatsapp_pricing_analytics_states', 'whatsapp', "waba_id"),
    'kustomer_conversations': ('int_gen_02__conversations_contested', 'kustomer', "org_id"),
    'kustomer_messages': ('int_gen_02__conversation_messages_contested', 'kustomer', "org_id"),
    'translations': ('int_gen_02__translations_contested', 'kustomer', "org_id"),
    'storage_snapshots': ('int_gen_02__storage_snapshots_states', 'kustomer', "org_id"),
    'seat_snapshots': ('int_gen_02__seat_snapshots_states', 'kustomer', "org_id"),
    'number_events': ('int_gen_02__number_events_states', 'tenant', "tenant_id"),
    'carrier_penalties': ('int_gen_02__carrier_penalties_states', 'none', "''"),
    'tenants': ('int_gen_02__tenants_states', 'tenant', "tenant_id"),
    'account_map': ('int_gen_02__account_map_states', 'tenant', "tenant_id"),
    'subscriptions': ('int_gen_02__subscriptions_states', 'tenant', "tenant_id"),
    'order_overrides': ('int_gen_02__order_overrides_states', 'tenant', "tenant_id"),
    'storage_purchases': ('int_gen_02__storage_purchases_states', 'tenant', "tenant_id"),
    'suspensions': ('int_gen_02__suspensions_states', 'tenant', "tenant_id"),
    'payments': ('int_gen_02__payments_states', 'none', "''")
} %}
{% set large = [
    'twilio_calls', 'twilio_messages', 'twilio_recordings', 'twilio_transcriptions',
    'whatsapp_webhooks', 'kustomer_conversations', 'kustomer_messages', 'translations',
] %}
{% set listed = "'" ~ large | join("', '") ~ "'" %}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_touched_months(this, [" ~ listed ~ "], also=\"billing_month is null or source not in (" ~ listed ~ ")\") }}",
) }}

with accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
),

repeated as (
    {% for source, (model, system, owner) in owners.items() %}
    select
        '{{ source }}' as source,
        '{{ system }}' as account_system,
        winners.{{ owner if owner != "''" else 'record_key' }} as owner_id,
        winners.occurred_at,
        states.superseded_reason,
        states.copies,
    from {{ ref(model) }} as states
    inner join {{ ref(model) }} as winners
        on states.record_key = winners.record_key and winners.is_current
    where
        (states.copies > 1 or not states.is_current)
        {% set months = months_touched([source]) if source in large else none %}
        {% if months is not none %}
        and (winners.occurred_at is null or {{ in_months_of('winners.occurred_at', months) }})
        {% endif %}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

owners_found as (
    select
        repeated.*,
        case
            when repeated.account_system = 'tenant' then repeated.owner_id
            else accounts.tenant_id
        end as tenant_id,
    from repeated
    left join accounts
        on
            repeated.account_system = accounts.account_system
            and repeated.owner_id = accounts.account_id
            and {{ in_force('repeated.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
)

select
    source,
    tenant_id,
    {{ billing_month('occurred_at') }} as billing_month,
    'duplicate' as fate,
    'exact_copy' as reason,
    sum(copies - 1)::bigint as record_count,
from owners_found
where copies > 1
group by source, tenant_id, {{ billing_month('occurred_at') }}
union all
select
    source,
    tenant_id,
    {{ billing_month('occurred_at') }} as billing_month,
    'superseded' as fate,
    superseded_reason as reason,
    count(*)::bigint as record_count,
from owners_found
where superseded_reason is not null
group by source, tenant_id, {{ billing_month('occurred_at') }}, superseded_reason
