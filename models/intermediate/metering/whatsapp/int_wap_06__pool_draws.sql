-- WAP-06, WAP-08: what draws on the pool, in opening order: user-initiated conversations, and rebuilt windows
-- with a priced message. Ties in time are decided by id. Only touched months are drawn again.
-- Grain: conversation or window. Note: Meta-free ones do not use up the pool, and
-- business-initiated ones never draw on it.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_months(this, ['whatsapp_webhooks']) }}",
) }}

with units as (
    select * from {{ ref('int_wap_04__units_mapped') }}
    {{ where_month_touched('whatsapp_webhooks', has_parts=false) }}
),

windows as (
    select * from {{ ref('int_wap_08__windows_rebuilt') }}
    {{ where_month_touched('whatsapp_webhooks', has_parts=false, instant='opened_at') }}
),

messages_in_windows as (
    select * from {{ ref('int_wap_08__messages_in_windows') }}
),

pools as (
    select * from {{ ref('int_wap_05__pools_granted') }}
),

settings as (
    select * from {{ ref('int_gen_06__settings_effective') }}
    where setting = 'message_era_pool' and lower(setting_value) = 'true'
),

windows_priced as (
    select distinct window_id from messages_in_windows where asked_price > 0
),

draws as (
    select
        'whatsapp_conversation' as meter,
        waba_id,
        unit_id as draw_id,
        tenant_id,
        billing_month,
        occurred_at as opened_at,
    from units
    where
        metered_fate = 'countable'
        and meter = 'whatsapp_conversation'
        and {{ may_draw_on_pool() }}
    union all
    select
        'whatsapp_message' as meter,
        windows.waba_id,
        windows.window_id as draw_id,
        windows.tenant_id,
        windows.billing_month,
        windows.opened_at,
    from windows
    inner join windows_priced on windows.window_id = windows_priced.window_id
    inner join settings
        on
            {{ in_force('windows.billing_month', 'settings.effective_from', 'settings.effective_until', "date '9999-12-31'") }}
)

select
    draws.*,
    row_number() over (
        partition by draws.tenant_id, draws.billing_month
        order by draws.opened_at, draws.draw_id, draws.waba_id
    ) <= coalesce(pools.pool_quantity, 0) as is_pooled,
from draws
left join pools
    on
        draws.tenant_id = pools.tenant_id
        and draws.billing_month = pools.billing_month
