-- Plans, what they include, their pool of WhatsApp conversations and their storage limits in the newest known
-- month. Grain: plan. Note: what a plan includes and its limits have a history (PRC-04); this is what is in force at
-- the end of that month or, for a plan not in force yet, what it will include first. A plan without a limit in force
-- has null, not 0.
with contents as (
    select * from {{ ref('int_prc_04__plan_contents_effective') }}
),

pools as (
    select * from {{ ref('int_wap_05__pool_sizes_effective') }}
),

storage_limits as (
    select * from {{ ref('int_prc_04__storage_limits_effective') }}
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
),

limits_newest as (
    select
        storage_limits.plan_id,
        {% for meter in ['data_storage', 'attachment_storage'] %}
        max(storage_limits.base_bytes)
            filter (where storage_limits.meter = '{{ meter }}') as {{ meter }}_base_bytes,
        max(storage_limits.bytes_per_user)
            filter (where storage_limits.meter = '{{ meter }}') as {{ meter }}_bytes_per_user,
        {% endfor %}
        bool_or(storage_limits.is_placeholder) as is_placeholder,
    from storage_limits
    cross join newest
    where {{ in_force_at_month_end('storage_limits.effective_from', 'storage_limits.effective_until', 'newest.billing_month') }}
    group by storage_limits.plan_id
)

select
    contents_newest.plan_id,
    contents_newest.plan_name,
    contents_newest.includes_agent_assist,
    contents_newest.voice_features,
    contents_newest.published_on,
    coalesce(pools.conversations_per_licence, 0) as whatsapp_conversations_per_licence,
    coalesce(pools.is_placeholder, false) as is_placeholder_pool,
    limits_newest.data_storage_base_bytes,
    limits_newest.data_storage_bytes_per_user,
    limits_newest.attachment_storage_base_bytes,
    limits_newest.attachment_storage_bytes_per_user,
    coalesce(limits_newest.is_placeholder, false) as is_placeholder_storage,
    contents_newest.source,
from contents_newest
left join pools
    on
        contents_newest.plan_id = pools.plan_id
        and {{ in_force('contents_newest.billing_month', 'pools.effective_from', 'pools.effective_until', "date '9999-12-31'") }}
left join limits_newest on contents_newest.plan_id = limits_newest.plan_id
