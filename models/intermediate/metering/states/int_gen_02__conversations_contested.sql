-- GEN-02: conversations that arrived more than once: every distinct state, with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content, for records with more than one raw row. Note: which file or order
-- brought a state in must not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook=[
        "{{ find_rows_contested_anew('kustomer_conversations', ref('stg_kustomer__conversations')) }}",
        "{{ note_contested_rows('kustomer_conversations') }}",
    ],
    post_hook=[
        "{{ forget_rows_contested_anew('kustomer_conversations') }}",
        "{{ touch_months_of_contested(this, 'kustomer_conversations') }}",
        "{{ note_conversations_changed(this) }}",
    ],
) }}

{{ gen_02_states(
    staged=ref('stg_kustomer__conversations'),
    columns=['conversation_id', 'org_id', 'customer_id', 'channels', 'created_at', 'ended_at', 'imported_at', 'spam', 'merged_target_id', 'transferred_to_agent_at', 'updated_at'],
    key_columns=['conversation_id'],
    updated_at='updated_at',
    occurred_at="created_at",
    record_type=none,
    contested_in='kustomer_conversations',
) }}
