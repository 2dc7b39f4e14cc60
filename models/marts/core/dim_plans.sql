-- Plans, what they include and their pool of WhatsApp conversations in the newest known month.
-- Grain: plan.
with plans as (
    select * from {{ ref('plans') }}
),

pools as (
    select * from {{ ref('int_wap_05__pool_sizes_effective') }}
),

-- If nothing has landed yet, use the size published last.
newest as (
    select coalesce(max(billing_month), date '9999-12-01') as billing_month
    from {{ ref('int_gen_01__billing_months_seen') }}
)

select
    plans.plan_id,
    plans.plan_name,
    plans.includes_agent_assist,
    plans.voice_features,
    coalesce(pools.conversations_per_licence, 0) as whatsapp_conversations_per_licence,
    plans.source,
from plans
cross join newest
left join pools
    on
        plans.plan_id = pools.plan_id
        and {{ in_force('newest.billing_month', 'pools.effective_from', 'pools.effective_until', "date '9999-12-31'") }}
