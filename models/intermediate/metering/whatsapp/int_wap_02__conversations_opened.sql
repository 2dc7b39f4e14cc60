-- WAP-02: conversations of the conversation era, when each was opened and by whom.
-- Grain: WABA x conversation. Note: the opening, not the delivery, decides the month. It is 24 hours before
-- the earliest expiry, 72 for a free entry point.
{{ config(materialized='view') }}

with messages as {{ not_kept() }} (
    select * from {{ ref('int_wap_01__messages_gathered') }}
    where conversation_id is not null and {{ is_of_conversation_era() }}
),

conversations as (
    {{ conversations_gathered('messages') }}
)

select
    *,
    {{ conversation_opened_at() }} as opened_at,
from conversations
