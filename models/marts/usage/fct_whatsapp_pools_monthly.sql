-- WAP-05..08: each tenant's pool in a month, what drew on it and what lapsed unused (WAP-07).
-- Grain: tenant x month with WhatsApp units or windows.
with pools as (
    select * from {{ ref('int_wap_05__pools_granted') }}
),

draws as (
    select
        tenant_id,
        billing_month,
        sum(draw_count) filter (where meter = 'whatsapp_conversation')
            as conversation_draws,
        sum(draw_count) filter (where meter = 'whatsapp_message') as window_draws,
        sum(draw_count) filter (where is_pooled) as drawn_quantity,
    from {{ ref('int_wap_06__draws_counted') }}
    group by tenant_id, billing_month
),

windows as (
    select tenant_id, billing_month, count(*)::bigint as windows_rebuilt
    from {{ ref('int_wap_08__windows_rebuilt') }}
    group by tenant_id, billing_month
)

select
    pools.tenant_id,
    pools.billing_month,
    pools.plan_id,
    pools.full_time_licences,
    pools.order_id,
    pools.pool_quantity,
    pools.is_placeholder_pool,
    coalesce(draws.conversation_draws, 0)::bigint as conversation_draws,
    coalesce(windows.windows_rebuilt, 0)::bigint as windows_rebuilt,
    coalesce(draws.window_draws, 0)::bigint as window_draws,
    coalesce(draws.drawn_quantity, 0)::bigint as drawn_quantity,
    (pools.pool_quantity - coalesce(draws.drawn_quantity, 0))::bigint as lapsed_quantity,
from pools
left join draws using (tenant_id, billing_month)
left join windows using (tenant_id, billing_month)
