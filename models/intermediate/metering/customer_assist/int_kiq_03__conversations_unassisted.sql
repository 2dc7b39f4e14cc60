-- KIQ-03: conversations that also meet the help centre's narrower definition: ended, never
-- handed to an agent, and the customer opened no other within 24 hours of the end.
-- Grain: conversation that meets it. Trap: one not ended is not yet counted.
with conversations as (
    select * from {{ ref('int_gen_02__conversations_states') }} where is_current
),

ended_unassisted as (
    select * from conversations
    where ended_at is not null and transferred_to_agent_at is null
),

reopened as (
    select distinct ended_unassisted.conversation_id,
    from ended_unassisted
    inner join conversations
        on
            ended_unassisted.customer_id = conversations.customer_id
            and ended_unassisted.org_id = conversations.org_id
            and ended_unassisted.conversation_id != conversations.conversation_id
            and conversations.created_at >= ended_unassisted.ended_at
            and conversations.created_at
            < ended_unassisted.ended_at + interval 24 hour
)

select ended_unassisted.conversation_id,
from ended_unassisted
left join reopened on ended_unassisted.conversation_id = reopened.conversation_id
where reopened.conversation_id is null
