-- KIQ-03: ended conversations whose customer opened another within 24 hours of the end.
-- Grain: such a conversation. Note: a conversation in which the business wrote first was not opened by the customer,
-- and one merged into the ended conversation is the same conversation (KIQ-02). Only conversations affected by a new
-- or changed one, or by its messages, are decided again.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=["{{ note_decided_by_messages() }}", "{{ forget_decided_anew(this) }}"],
) }}

with followed as (
    select * from {{ ref('int_kiq_03__conversations_followed') }}
    {% if is_incremental() %}
    where conversation_id in (
        select anew.conversation_id from ops.conversations_decided_anew as anew
    )
    {% endif %}
),

reread as (
    select * from {{ ref('int_kiq_01__conversations_reread') }}
),

exchanges_reread as (
    select * from {{ ref('int_kiq_01__exchanges_reread') }}
    where conversations_opened_by_business is not null
),

-- Most conversations are settled by one piece; of the others the messages were read again.
opened_by_business as (
    select conversation_id
    from {{ ref('int_kiq_01__conversation_pieces') }}
    where
        is_opened_by_business
        and conversation_hash in (select followed.following_hash from followed)
        and conversation_id not in (select reread.conversation_id from reread)
    union all
    select unnest(conversations_opened_by_business) as conversation_id
    from exchanges_reread
),

targets_found as (
    select
        followed.conversation_id,
        followed.org_id,
        followed.customer_id,
        followed.ended_at,
        followed.following_conversation_id,
        coalesce(own.target_conversation_id, followed.conversation_id) as target_id,
        coalesce(others.target_conversation_id, followed.following_conversation_id)
            as following_target_id,
    from followed
    left join reread as own on followed.conversation_id = own.conversation_id
    left join reread as others
        on followed.following_conversation_id = others.conversation_id
)

select distinct conversation_id, org_id, customer_id, ended_at
from targets_found
where
    following_target_id != target_id
    and following_conversation_id not in (
        select opened_by_business.conversation_id from opened_by_business
    )
