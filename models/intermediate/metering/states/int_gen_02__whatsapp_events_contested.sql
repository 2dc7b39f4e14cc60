-- GEN-02: WhatsApp message statuses and inbound messages that arrived more than once: every distinct state,
-- with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content, for records with more than one raw row. Note: which file or order
-- brought a state in must not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook=[
        "{{ find_rows_contested_anew('whatsapp_webhooks', ref('stg_whatsapp__events')) }}",
        "{{ note_contested_rows('whatsapp_webhooks') }}",
    ],
    post_hook=[
        "{{ forget_rows_contested_anew('whatsapp_webhooks') }}",
        "{{ touch_months_of_contested(this, 'whatsapp_webhooks') }}",
    ],
) }}

{{ gen_02_states(
    staged=ref('stg_whatsapp__events'),
    columns=['waba_id', 'wamid', 'status', 'event_at', 'recipient_id', 'conversation_id', 'origin_type', 'expires_at', 'pricing_model', 'pricing_type', 'pricing_category', 'billable', 'direction', 'from_party', 'status_or_direction'],
    key_columns=['waba_id', 'wamid', 'status_or_direction'],
    updated_at='event_at',
    occurred_at="event_at",
    record_type=none,
    contested_in='whatsapp_webhooks',
) }}
