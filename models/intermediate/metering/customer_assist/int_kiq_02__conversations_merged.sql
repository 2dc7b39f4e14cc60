-- KIQ-02: conversations that were merged, and the one each ended up in.
-- Grain: merged conversation. Trap: merges chain (A into B into C) and could loop; ten steps end it.
with recursive conversations as (
    select conversation_id, merged_target_id
    from {{ ref('int_gen_02__conversations_states') }}
    where
        is_current
        and merged_target_id is not null
        and merged_target_id != conversation_id
),

merge_steps as (
    select conversation_id, merged_target_id as target_id, 1 as step
    from conversations
    union all
    select merge_steps.conversation_id, conversations.merged_target_id, merge_steps.step + 1
    from merge_steps
    inner join conversations on merge_steps.target_id = conversations.conversation_id
    where
        conversations.merged_target_id != merge_steps.conversation_id
        and merge_steps.step < 10
),

targets_found as (
    select
        conversation_id,
        arg_max(target_id, step) as target_conversation_id,
    from merge_steps
    group by conversation_id
)

select conversation_id, target_conversation_id
from targets_found
where conversation_id != target_conversation_id
