-- GEN-02: every distinct state of a conversation message, with exact duplicates
-- collapsed and the winner marked.
-- Grain: record key x distinct content. A view: a record that arrived once is read in place.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_kustomer__messages'),
    contested=ref('int_gen_02__conversation_messages_contested'),
    source_name='kustomer_messages',
    columns=['message_id', 'org_id', 'conversation_id', 'direction', 'channel', 'sent_at', 'assistant_id', 'assistant_type', 'updated_at'],
    key_columns=['message_id'],
    occurred_at="sent_at",
) }}
