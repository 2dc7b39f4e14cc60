-- GEN-02: the states a record arrived in, its exact duplicates collapsed, one winner.
-- Grain: record key x distinct content. A view: a record that arrived once is read where it lies.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_kustomer__messages'),
    contested=ref('int_gen_02__conversation_messages_contested'),
    source_name='kustomer_messages',
    columns=['message_id', 'org_id', 'conversation_id', 'direction', 'channel', 'sent_at', 'assistant_id', 'assistant_type', 'updated_at'],
    key_columns=['message_id'],
    occurred_at="sent_at",
) }}
