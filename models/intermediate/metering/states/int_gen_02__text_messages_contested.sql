-- GEN-02: text messages that arrived more than once: every distinct state, with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content, for records with more than one raw row. Note: which file or order
-- brought a state in must not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook=[
        "{{ find_rows_contested_anew('twilio_messages', ref('stg_twilio__messages')) }}",
        "{{ note_contested_rows('twilio_messages') }}",
    ],
    post_hook=[
        "{{ forget_rows_contested_anew('twilio_messages') }}",
        "{{ touch_months_of_contested(this, 'twilio_messages') }}",
    ],
) }}

{{ gen_02_states(
    staged=ref('stg_twilio__messages'),
    columns=['message_sid', 'account_sid', 'from_party', 'to_party', 'direction', 'status', 'num_segments', 'num_media', 'date_created', 'date_sent', 'date_updated', 'price', 'price_unit', 'error_code'],
    key_columns=['message_sid'],
    updated_at='date_updated',
    occurred_at="coalesce(date_sent, date_created)",
    record_type='message',
    contested_in='twilio_messages',
) }}
