-- GEN-02: recordings that arrived more than once: every distinct state, with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content, for records with more than one raw row. Note: which file or order
-- brought a state in must not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook=[
        "{{ find_rows_contested_anew('twilio_recordings', ref('stg_twilio__recordings')) }}",
        "{{ note_contested_rows('twilio_recordings') }}",
    ],
    post_hook=[
        "{{ forget_rows_contested_anew('twilio_recordings') }}",
        "{{ touch_months_of_contested(this, 'twilio_recordings') }}",
    ],
) }}

{{ gen_02_states(
    staged=ref('stg_twilio__recordings'),
    columns=['recording_sid', 'account_sid', 'call_sid', 'duration', 'status', 'start_time', 'date_created', 'date_updated', 'price', 'price_unit'],
    key_columns=['recording_sid'],
    updated_at='date_updated',
    occurred_at="coalesce(start_time, date_created)",
    record_type='recording',
    contested_in='twilio_recordings',
) }}
