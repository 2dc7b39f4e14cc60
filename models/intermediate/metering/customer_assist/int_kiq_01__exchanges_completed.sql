-- KIQ-01: when a conversation's first back-and-forth was completed: the first premium
-- reply after the customer's first message, over all messages merged into it.
-- Grain: target conversation. A view: what one piece settles is read from it as it stands.
{{ config(materialized='view') }}

with pieces as (
    select * from {{ ref('int_kiq_01__conversation_pieces') }}
),

reread as (
    select * from {{ ref('int_kiq_01__conversations_reread') }}
),

exchanges_reread as (
    select * from {{ ref('int_kiq_01__exchanges_reread') }}
)

select
    conversation_id,
    message_org_id,
    first_customer_message_at,
    first_reply_at is not null as has_premium_reply,
    first_message_at,
    message_count,
    case
        when first_reply_at > first_customer_message_at then first_reply_at
    end as exchange_completed_at,
from pieces
where conversation_id not in (select reread.conversation_id from reread)
union all
select
    conversation_id,
    message_org_id,
    first_customer_message_at,
    has_premium_reply,
    first_message_at,
    message_count,
    exchange_completed_at,
from exchanges_reread
