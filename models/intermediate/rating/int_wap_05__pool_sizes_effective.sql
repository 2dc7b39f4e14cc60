-- WAP-05, PRC-01: included WhatsApp conversations per licence and plan, with the dates they are in force.
-- Grain: plan x pool size that ever applies.
with pools as (
    select * from {{ ref('plan_whatsapp_pools') }}
),

dated as (
    select
        pool_update_id as update_id,
        plan_id,
        conversations_per_licence,
        greatest(pricing_page_on, billing_portal_on) as published_on,
        {{ effective_from(
            "'next_full_month_after_30_days'",
            'greatest(pricing_page_on, billing_portal_on)', 'null'
        ) }} as effective_from,
        withdrawn_on,
        is_placeholder,
    from pools
),

intervals_made as (
    {{ effective_intervals('dated', 'plan_id') }}
)

select
    plan_id,
    conversations_per_licence,
    published_on,
    effective_from,
    effective_until,
    is_placeholder,
from intervals_made
