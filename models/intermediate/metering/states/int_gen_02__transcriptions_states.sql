-- GEN-02: every distinct state of a transcription, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. A view: a record that arrived once is read in place.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_twilio__transcriptions'),
    contested=ref('int_gen_02__transcriptions_contested'),
    source_name='twilio_transcriptions',
    columns=['transcription_sid', 'account_sid', 'recording_sid', 'duration', 'status', 'date_created', 'date_updated', 'price', 'price_unit'],
    key_columns=['transcription_sid'],
    occurred_at="date_created",
) }}
