-- KIQ-02: conversations that were merged, and the conversation each ended up in.
-- Grain: merged conversation. Note: merges can chain (A into B into C). A loop (A into B into A) has no last
-- target: all of it counts once, under the conversation with the lowest id in the loop.
with recursive conversations as (
    select conversation_id, merged_target_id
    from {{ ref('int_gen_02__conversations_states') }}
    where
        is_current
        and merged_target_id is not null
        and merged_target_id != conversation_id
),

-- A target reached before is not followed again, which ends a loop.
targets_reached as (
    select conversation_id, merged_target_id as target_id
    from conversations
    union
    select targets_reached.conversation_id, conversations.merged_target_id
    from targets_reached
    inner join conversations on targets_reached.target_id = conversations.conversation_id
),

in_loops as (
    select conversation_id from targets_reached where conversation_id = target_id
),

-- A chain ends in the one target that was not merged further; a chain that runs into a loop has none.
targets_found as (
    select
        targets_reached.conversation_id,
        coalesce(
            min(targets_reached.target_id) filter (where conversations.conversation_id is null),
            min(targets_reached.target_id) filter (where in_loops.conversation_id is not null)
        ) as target_conversation_id,
    from targets_reached
    left join conversations on targets_reached.target_id = conversations.conversation_id
    left join in_loops on targets_reached.target_id = in_loops.conversation_id
    group by targets_reached.conversation_id
)

select conversation_id, target_conversation_id
from targets_found
where conversation_id != target_conversation_id
