-- KIQ-01: when a conversation's first back-and-forth was completed: the first premium
-- reply after the customer's first message, over all messages merged into it.
-- Grain: target conversation. Trap: a reply before the customer wrote completes nothing.
with messages as (
    select * from {{ ref('int_gen_02__conversation_messages_states') }} where is_current
),

merged_conversations as (
    select * from {{ ref('int_kiq_02__conversations_merged') }}
    where conversation_id != target_conversation_id
),

messages_under_target as (
    select
        coalesce(
            merged_conversations.target_conversation_id, messages.conversation_id
        ) as conversation_id,
        messages.org_id,
        messages.sent_at,
        (
            messages.direction = 'in'
            and coalesce(lower(messages.channel), '') in ('chat', 'whatsapp', 'sms')
        ) as is_customer_message,
        (
            messages.direction = 'out'
            and coalesce(messages.assistant_type, '') = 'premium'
            and coalesce(lower(messages.channel), '') in ('chat', 'whatsapp', 'sms')
        ) as is_premium_reply,
    from messages
    left join merged_conversations
        on messages.conversation_id = merged_conversations.conversation_id
),

first_customer_messages as (
    select
        conversation_id,
        min(sent_at) filter (where is_customer_message) as first_customer_message_at,
        bool_or(is_premium_reply) as has_premium_reply,
        min(sent_at) as first_message_at,
        min(org_id) as message_org_id,
        count(*)::bigint as message_count,
    from messages_under_target
    group by conversation_id
),

first_replies as (
    select
        messages_under_target.conversation_id,
        min(messages_under_target.sent_at) as exchange_completed_at,
    from messages_under_target
    inner join first_customer_messages
        on messages_under_target.conversation_id = first_customer_messages.conversation_id
    where
        messages_under_target.is_premium_reply
        and messages_under_target.sent_at
        > first_customer_messages.first_customer_message_at
    group by messages_under_target.conversation_id
)

select
    first_customer_messages.*,
    first_replies.exchange_completed_at,
from first_customer_messages
left join first_replies
    on first_customer_messages.conversation_id = first_replies.conversation_id
