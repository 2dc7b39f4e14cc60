-- WAP-03: messages of the per-message era; each one delivered or read is a unit.
-- Grain: WABA x wamid. Note: in this era the conversation id is per message and must never be counted.
{{ config(materialized='view') }}

with messages as (
    select * from {{ ref('int_wap_01__messages_gathered') }}
    where conversation_id is null or not {{ is_of_conversation_era() }}
)

select
    *,
    coalesce(delivered_at, read_at, first_event_at) as occurred_at,
    coalesce(pricing_category, origin_type) as category,
from messages
