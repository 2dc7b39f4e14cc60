-- GEN-02: every distinct state of a conversation, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. A view: a record that arrived once is read in place.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_kustomer__conversations'),
    contested=ref('int_gen_02__conversations_contested'),
    source_name='kustomer_conversations',
    columns=['conversation_id', 'org_id', 'customer_id', 'channels', 'created_at', 'ended_at', 'imported_at', 'spam', 'merged_target_id', 'transferred_to_agent_at', 'updated_at'],
    key_columns=['conversation_id'],
    occurred_at="created_at",
) }}
