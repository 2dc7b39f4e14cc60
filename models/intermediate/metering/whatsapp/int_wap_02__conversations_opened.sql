-- WAP-02: conversations of the conversation era, when each was opened and by whom.
-- Grain: WABA x conversation. Trap: the opening, not the delivery, decides the month; it lies
-- 24 hours before the earliest expiry, 72 for a free entry point.
with messages as (
    select * from {{ ref('int_wap_01__messages_gathered') }}
    where conversation_id is not null and coalesce(pricing_model, 'CBP') = 'CBP'
),

conversations as (
    select
        waba_id,
        conversation_id,
        max(coalesce(pricing_category, origin_type)) as category,
        arg_min(recipient_id, coalesce(first_progress_at, first_event_at))
            as recipient_id,
        bool_or(has_unbillable_status) as has_unbillable_status,
        min(expires_at) as expires_at,
        min(first_progress_at) as first_progress_at,
        min(first_event_at) as first_event_at,
        bool_or(is_delivered) as is_delivered,
        sum(raw_rows)::bigint as raw_rows,
    from messages
    group by waba_id, conversation_id
)

select
    *,
    coalesce(
        expires_at - case
            when category = 'referral_conversion' then interval 72 hour
            else interval 24 hour
        end,
        first_progress_at,
        first_event_at
    ) as opened_at,
from conversations
