-- GEN-02: conversation messages that arrived more than once: every distinct state, with exact duplicates
-- collapsed and the winner marked.
-- Grain: record key x distinct content, for records with more than one raw row. Note: which file or order
-- brought a state in must not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook=[
        "{{ find_rows_contested_anew('kustomer_messages', ref('stg_kustomer__messages')) }}",
        "{{ note_contested_rows('kustomer_messages') }}",
    ],
    post_hook=[
        "{{ forget_rows_contested_anew('kustomer_messages') }}",
        "{{ touch_months_of_contested(this, 'kustomer_messages') }}",
    ],
) }}

{{ gen_02_states(
    staged=ref('stg_kustomer__messages'),
    columns=['message_id', 'org_id', 'conversation_id', 'direction', 'channel', 'sent_at', 'assistant_id', 'assistant_type', 'updated_at'],
    key_columns=['message_id'],
    updated_at='updated_at',
    occurred_at="sent_at",
    record_type=none,
    contested_in='kustomer_messages',
) }}
