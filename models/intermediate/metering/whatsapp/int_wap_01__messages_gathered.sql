-- WAP-01, WAP-03: what the statuses of one outbound message say together.
-- Grain: WABA x wamid. Trap: pricing, conversation and category may stand on any status, in
-- any order; later API versions leave some of them out.
with events as (
    select * from {{ ref('int_gen_02__whatsapp_events_states') }}
    where is_current and coalesce(direction, 'out') != 'in'
)

select
    waba_id,
    wamid,
    max(conversation_id) as conversation_id,
    max(recipient_id) as recipient_id,
    max(upper(pricing_model)) as pricing_model,
    max(lower(pricing_type)) as pricing_type,
    replace(max(lower(pricing_category)), '-', '_') as pricing_category,
    replace(max(lower(origin_type)), '-', '_') as origin_type,
    bool_or(billable is false) as has_unbillable_status,
    min(expires_at) as expires_at,
    min(event_at) filter (where status in ('sent', 'delivered', 'read'))
        as first_progress_at,
    min(event_at) filter (where status = 'delivered') as delivered_at,
    min(event_at) filter (where status = 'read') as read_at,
    min(event_at) as first_event_at,
    bool_or(status in ('delivered', 'read')) as is_delivered,
    count(*)::bigint as raw_rows,
from events
group by waba_id, wamid
