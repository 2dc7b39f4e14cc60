-- GEN-02: call legs that arrived more than once: every distinct state, with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content, for records with more than one raw row. Note: which file or order
-- brought a state in must not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook=[
        "{{ find_rows_contested_anew('twilio_calls', ref('stg_twilio__calls')) }}",
        "{{ note_contested_rows('twilio_calls') }}",
    ],
    post_hook=[
        "{{ forget_rows_contested_anew('twilio_calls') }}",
        "{{ touch_months_of_contested(this, 'twilio_calls') }}",
    ],
) }}

{{ gen_02_states(
    staged=ref('stg_twilio__calls'),
    columns=['call_sid', 'account_sid', 'parent_call_sid', 'from_party', 'to_party', 'direction', 'status', 'start_time', 'end_time', 'duration', 'price', 'price_unit', 'date_created', 'date_updated'],
    key_columns=['call_sid'],
    updated_at='date_updated',
    occurred_at="coalesce(start_time, date_created)",
    record_type='call',
    contested_in='twilio_calls',
) }}
