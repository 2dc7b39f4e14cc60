-- KIQ-01, KIQ-02: conversations that one piece does not settle, so their messages are read again:
-- they came in several pieces, were merged, one of their messages changed, or replies came both
-- before and after the customer's first message.
-- Grain: conversation. Note: the target of a merge may change; then the former target is read again too.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='conversation_id',
    pre_hook="{{ note_pieces_met() }}",
    post_hook="{{ note_pieces_to_reread(this) }}",
) }}
-- depends_on: {{ ref('int_gen_02__conversation_messages_contested') }}

with pieces as {{ not_kept() }} (
    select * from {{ ref('int_kiq_01__conversation_pieces') }}
),

merged as (
    select * from {{ ref('int_kiq_02__conversations_merged') }}
),

{% if is_incremental() %}
contested as (
    select * from {{ ref('int_gen_02__conversation_messages_contested') }}
),
{% endif %}

fresh_pieces as {{ not_kept() }} (
    select * from pieces
    {% if is_incremental() %}where load_batch > {{ metered_batch() }}{% endif %}
),

resumed as (
    {% if is_incremental() %}
    select conversation_hash
    from fresh_pieces
    group by conversation_hash
    having count(*) > 1
    union all
    select conversation_hash from ops.pieces_met
    {% else %}
    -- Grouped in four shares: 14 million conversations grouped at once took 0.6 GB more.
    {% for share in range(4) %}
    select conversation_hash
    from pieces
    where conversation_hash % 4 = {{ share }}
    group by conversation_hash
    having count(*) > 1
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
    {% endif %}
),

merged_anew as (
    select * from merged
    {% if is_incremental() %}
    where (conversation_id, target_conversation_id) not in (
        select (known.conversation_id, known.target_conversation_id) from {{ this }} as known
    )
    {% endif %}
),

undecided as (
    select conversation_id
    from fresh_pieces
    where
        conversation_hash in (select resumed.conversation_hash from resumed)
        or (
            first_reply_at <= first_customer_message_at
            and last_reply_at > first_customer_message_at
        )
    union
    select conversation_id from merged_anew
    union
    select target_conversation_id from merged_anew
    {% if is_incremental() %}
    union
    select conversation_id
    from contested
    where record_key in (
        select contested.record_key
        from contested
        group by contested.record_key
        having count(*) > 1 and max(contested.load_batch) > {{ metered_batch() }}
    )
    union
    select known.conversation_id
    from {{ this }} as known
    left join merged on known.conversation_id = merged.conversation_id
    where
        known.target_conversation_id
        != coalesce(merged.target_conversation_id, known.conversation_id)
        or known.conversation_id in (select fresh_pieces.conversation_id from fresh_pieces)
    union
    select known.target_conversation_id
    from {{ this }} as known
    left join merged on known.conversation_id = merged.conversation_id
    where
        known.target_conversation_id
        != coalesce(merged.target_conversation_id, known.conversation_id)
    {% endif %}
),

targets_found as (
    select
        undecided.conversation_id,
        coalesce(merged.target_conversation_id, undecided.conversation_id)
            as target_conversation_id,
        {{ newest_batch() }}::integer as changed_batch,
        {{ kept_hash(['undecided.conversation_id']) }} as conversation_hash,
    from undecided
    left join merged on undecided.conversation_id = merged.conversation_id
)

select * from targets_found
