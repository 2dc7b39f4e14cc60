-- GEN-02: transcriptions that arrived more than once: every distinct state, with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content, for records with more than one raw row. Note: which file or order
-- brought a state in must not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook=[
        "{{ find_rows_contested_anew('twilio_transcriptions', ref('stg_twilio__transcriptions')) }}",
        "{{ note_contested_rows('twilio_transcriptions') }}",
    ],
    post_hook=[
        "{{ forget_rows_contested_anew('twilio_transcriptions') }}",
        "{{ touch_months_of_contested(this, 'twilio_transcriptions') }}",
    ],
) }}

{{ gen_02_states(
    staged=ref('stg_twilio__transcriptions'),
    columns=['transcription_sid', 'account_sid', 'recording_sid', 'duration', 'status', 'date_created', 'date_updated', 'price', 'price_unit'],
    key_columns=['transcription_sid'],
    updated_at='date_updated',
    occurred_at="date_created",
    record_type='transcription',
    contested_in='twilio_transcriptions',
) }}
