-- GEN-02: every distinct state of a recording, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. A view: a record that arrived once is read in place.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_twilio__recordings'),
    contested=ref('int_gen_02__recordings_contested'),
    source_name='twilio_recordings',
    columns=['recording_sid', 'account_sid', 'call_sid', 'duration', 'status', 'start_time', 'date_created', 'date_updated', 'price', 'price_unit'],
    key_columns=['recording_sid'],
    occurred_at="coalesce(start_time, date_created)",
) }}
