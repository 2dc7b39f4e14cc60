-- GEN-05: records that are not usage themselves: contract data and vendors' own totals.
-- Grain: source x tenant x month x reason. They are excluded by nature, but counted. Conversations, which are
-- as many as usage, are counted again in touched months only.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_touched_months(this, ['kustomer_conversations'], also=\"source != 'kustomer_conversations'\") }}",
) }}
{% set supporting = {
    'twilio_phone_numbers': ('int_gen_02__number_snapshots_states', 'twilio', "account_sid", 'reconciliation_only'),
    'twilio_usage_records': ('int_gen_02__usage_records_states', 'twilio', "account_sid", 'reconciliation_only'),
    'whatsapp_conversation_analytics': ('int_gen_02__whatsapp_conversation_analytics_states', 'whatsapp', "waba_id", 'reconciliation_only'),
    'whatsapp_pricing_analytics': ('int_gen_02__whatsapp_pricing_analytics_states', 'whatsapp', "waba_id", 'reconciliation_only'),
    'kustomer_conversations': ('int_gen_02__conversations_states', 'kustomer', "org_id", 'contract_data'),
    'seat_snapshots': ('int_gen_02__seat_snapshots_states', 'kustomer', "org_id", 'contract_data'),
    'tenants': ('int_gen_02__tenants_states', 'tenant', "tenant_id", 'contract_data'),
    'account_map': ('int_gen_02__account_map_states', 'tenant', "tenant_id", 'contract_data'),
    'subscriptions': ('int_gen_02__subscriptions_states', 'tenant', "tenant_id", 'contract_data'),
    'order_overrides': ('int_gen_02__order_overrides_states', 'tenant', "tenant_id", 'contract_data'),
    'storage_purchases': ('int_gen_02__storage_purchases_states', 'tenant', "tenant_id", 'contract_data'),
    'suspensions': ('int_gen_02__suspensions_states', 'tenant', "tenant_id", 'contract_data'),
    'payments': ('int_gen_02__payments_states', 'none', "''", 'contract_data')
} %}

with accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
),

supporting as (
    {% for source, (model, system, owner, reason) in supporting.items() %}
    select
        '{{ source }}' as source,
        '{{ system }}' as account_system,
        {{ owner }} as owner_id,
        occurred_at,
        '{{ reason }}' as reason,
    from (
        select *, {{ billing_month('occurred_at') }} as billing_month
        from {{ ref(model) }} where is_current
    )
    {% if source == 'kustomer_conversations' %}{{ where_month_touched(source) }}{% endif %}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    supporting.source,
    case
        when supporting.account_system = 'tenant' then supporting.owner_id
        else accounts.tenant_id
    end as tenant_id,
    {{ billing_month('supporting.occurred_at') }} as billing_month,
    'excluded' as fate,
    supporting.reason,
    count(*)::bigint as record_count,
from supporting
left join accounts
    on
        supporting.account_system = accounts.account_system
        and supporting.owner_id = accounts.account_id
        and {{ in_force('supporting.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
group by all
