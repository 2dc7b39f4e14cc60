-- KIQ-01, KIQ-02: the first back-and-forth of conversations read again, over all messages merged into them:
-- the first premium reply after the customer's first message.
-- Grain: target conversation. Note: a reply before the customer wrote completes nothing.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='conversation_id',
    pre_hook=["{{ touch_months_before_reread(this) }}", "{{ forget_reread(this) }}"],
    post_hook="{{ touch_months_after_reread(this) }}",
) }}

with messages as (
    select * from {{ ref('int_gen_02__conversation_messages_states') }}
    where is_current
    {% if is_being_built() %}
    and part_number in ({{ numbers_found(parts_of_conversations_reread()) }})
    {% endif %}
),

reread as (
    select * from {{ ref('int_kiq_01__conversations_reread') }}
    {% if is_incremental() %}
    where target_conversation_id in (
        select anew.target_conversation_id
        from {{ ref('int_kiq_01__conversations_reread') }} as anew
        where anew.changed_batch > {{ metered_batch() }}
    )
    {% endif %}
),

messages_under_target as (
    select
        reread.target_conversation_id as conversation_id,
        reread.changed_batch,
        messages.conversation_id as own_conversation_id,
        messages.org_id,
        messages.direction,
        messages.sent_at,
        {{ is_customer_message() }} as is_customer_message,
        {{ is_premium_reply() }} as is_premium_reply,
        {{ is_of_unknown_sender() }} as is_of_unknown_sender,
    from messages
    inner join reread on messages.conversation_id = reread.conversation_id
),

first_customer_messages as (
    select
        conversation_id,
        min(org_id) as message_org_id,
        min(sent_at) filter (where is_customer_message) as first_customer_message_at,
        bool_or(is_premium_reply) as has_premium_reply,
        bool_or(is_of_unknown_sender) as has_unknown_sender,
        min(sent_at) as first_message_at,
        count(*)::bigint as message_count,
        max(changed_batch)::integer as changed_batch,
    from messages_under_target
    group by conversation_id
),

-- KIQ-03: of each conversation by itself, not of what it was merged into.
openings as (
    select conversation_id, own_conversation_id, {{ is_opened_by_business() }} as is_opened_by_business
    from messages_under_target
    group by conversation_id, own_conversation_id
),

openings_listed as (
    select
        conversation_id,
        list(own_conversation_id order by own_conversation_id)
            as conversations_opened_by_business,
    from openings
    where is_opened_by_business
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
    openings_listed.conversations_opened_by_business,
from first_customer_messages
left join first_replies
    on first_customer_messages.conversation_id = first_replies.conversation_id
left join openings_listed
    on first_customer_messages.conversation_id = openings_listed.conversation_id
