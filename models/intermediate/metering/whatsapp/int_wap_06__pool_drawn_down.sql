-- WAP-06: the relief of each unit: free at Meta first, then its tenant's pool, or none.
-- Grain: WhatsApp unit. A message of the message era follows the window it falls in (WAP-08), even if the
-- window was opened in the month before.
{{ config(materialized='view') }}

with units as (
    select * from {{ ref('int_wap_04__units_mapped') }}
),

pooled as (
    select * from {{ ref('int_wap_06__pool_draws') }} where is_pooled
),

messages_in_windows as (
    select *, 'whatsapp_message' as meter
    from {{ ref('int_wap_08__messages_in_windows') }}
)

select
    units.*,
    case
        when units.metered_fate != 'countable' then 'none'
        when units.is_meta_free then 'meta_free'
        when pooled.draw_id is not null then 'pool'
        else 'none'
    end as relief,
from units
left join messages_in_windows
    on
        units.meter = messages_in_windows.meter
        and units.waba_id = messages_in_windows.waba_id
        and units.unit_id = messages_in_windows.unit_id
left join pooled
    on
        units.meter = pooled.meter
        and units.waba_id = pooled.waba_id
        and units.tenant_id = pooled.tenant_id
        and coalesce(messages_in_windows.window_id, units.unit_id) = pooled.draw_id
