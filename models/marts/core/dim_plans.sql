-- Plans, what they include and their pool of WhatsApp conversations in the newest known month.
-- Grain: plan. Note: what a plan includes has a history (PRC-04); this is what is in force at the end of that
-- month or, for a plan not in force yet, what will be first.
with contents as (
    select * from {{ ref('int_prc_04__plan_contents_effective') }}
),

pools as (
    select * from {{ ref('int_wap_05__pool_sizes_effective') }}
),

-- If nothing has landed yet, use the size published last.
newest as (
    select coalesce(max(billing_month), date '9999-11-01') as billing_month
    from {{ ref('int_gen_01__billing_months_seen') }}
),

contents_newest as (
    select contents.*, newest.billing_month
    from contents
    cross join newest
    qualify
        row_number() over (
            partition by contents.plan_id
            order by
                {{ in_force_at_month_end('contents.effective_from', 'contents.effective_until', 'newest.billing_month') }} desc,
                contents.effective_from
        ) = 1
)

select
    contents_newest.plan_id,
    contents_newest.plan_name,
    contents_newest.includes_agent_assist,
    contents_newest.voice_features,
    contents_newest.published_on,
    coalesce(pools.conversations_per_licence, 0) as whatsapp_conversations_per_licence,
    contents_newest.source,
from contents_newest
left join pools
    on
        contents_newest.plan_id = pools.plan_id
        and {{ in_force('contents_newest.billing_month', 'pools.effective_from', 'pools.effective_until', "date '9999-12-31'") }}
