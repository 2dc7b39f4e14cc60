-- WAP-01..06: WhatsApp units in the common form of all meters, and inbound messages as excluded.
-- Grain: WhatsApp unit or inbound message. raw_rows adds up to the number of current webhook records.
{{ config(materialized='view') }}

with units as (
    select * from {{ ref('int_wap_06__pool_drawn_down') }}
),

inbound as (
    select * from {{ ref('int_gen_02__whatsapp_events_states') }}
    where is_current and coalesce(direction, 'out') = 'in'
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'whatsapp'
)

select
    'whatsapp_webhooks' as source,
    waba_id || '|' || unit_id as record_key,
    waba_id,
    tenant_id,
    billing_month,
    occurred_at,
    meter,
    market || '|' || coalesce(category, '') as price_key,
    1::bigint as quantity,
    metered_fate,
    reason,
    relief,
    case when meter = 'whatsapp_message' then 'WAP-03' else 'WAP-02' end as clause_id,
    raw_rows,
    0 as part_number,
from units
union all
select
    'whatsapp_webhooks' as source,
    inbound.record_key,
    inbound.waba_id,
    accounts.tenant_id,
    {{ billing_month('inbound.event_at') }} as billing_month,
    inbound.event_at as occurred_at,
    'whatsapp_message' as meter,
    '' as price_key,
    1::bigint as quantity,
    {{ account_fate("'excluded'") }} as metered_fate,
    {{ account_reason("'inbound_message'") }} as reason,
    'none' as relief,
    'WAP-03' as clause_id,
    1::bigint as raw_rows,
    inbound.part_number,
from inbound
left join accounts
    on
        inbound.waba_id = accounts.account_id
        and {{ in_force('inbound.event_at', 'accounts.valid_from', 'accounts.valid_to') }}
