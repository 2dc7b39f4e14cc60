-- Plans, what they include and their pool of WhatsApp conversations today.
-- Grain: plan.
with plans as (
    select * from {{ ref('plans') }}
),

pools as (
    select * from {{ ref('int_wap_05__pool_sizes_effective') }}
    where effective_until is null
)

select
    plans.plan_id,
    plans.plan_name,
    plans.includes_agent_assist,
    plans.voice_features,
    coalesce(pools.conversations_per_licence, 0) as whatsapp_conversations_per_licence,
    plans.source,
from plans
left join pools on plans.plan_id = pools.plan_id
