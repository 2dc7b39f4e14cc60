-- KIQ-01: when a conversation's first back-and-forth was completed: the first premium reply after the
-- customer's first message, over all messages merged into it.
-- Grain: target conversation. Note: a reply before the customer wrote completes nothing. A view:
-- conversations settled by one piece are read from the piece. Answered and unanswered ones are separate, so
-- that each is dated by an unmodified column and the engine reads only the months asked for.
{{ config(materialized='view') }}

with reread as {{ not_kept() }} (
    select * from {{ ref('int_kiq_01__conversations_reread') }}
),

exchanges_reread as (
    select * from {{ ref('int_kiq_01__exchanges_reread') }}
),

settled as {{ not_kept() }} (
    select
        *,
        coalesce(first_reply_at > first_customer_message_at, false) as is_completed,
    from {{ ref('int_kiq_01__conversation_pieces') }}
    where conversation_id not in (select reread.conversation_id from reread)
)

select
    conversation_id,
    message_org_id,
    first_customer_message_at,
    true as has_premium_reply,
    has_unknown_sender,
    first_message_at,
    message_count,
    first_reply_at as exchange_completed_at,
    first_reply_at as occurred_at,
    conversation_hash,
    load_batch as changed_batch,
from settled
where is_completed
union all
select
    conversation_id,
    message_org_id,
    first_customer_message_at,
    first_reply_at is not null as has_premium_reply,
    has_unknown_sender,
    first_message_at,
    message_count,
    null as exchange_completed_at,
    first_message_at as occurred_at,
    conversation_hash,
    load_batch as changed_batch,
from settled
where not is_completed
union all
select
    conversation_id,
    message_org_id,
    first_customer_message_at,
    has_premium_reply,
    has_unknown_sender,
    first_message_at,
    message_count,
    exchange_completed_at,
    coalesce(exchange_completed_at, first_message_at) as occurred_at,
    {{ kept_hash(['conversation_id']) }} as conversation_hash,
    changed_batch,
from exchanges_reread
