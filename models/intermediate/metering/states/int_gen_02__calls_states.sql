-- GEN-02: every distinct state of a call leg, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. A view: a record that arrived once is read in place.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_twilio__calls'),
    contested=ref('int_gen_02__calls_contested'),
    source_name='twilio_calls',
    columns=['call_sid', 'account_sid', 'parent_call_sid', 'from_party', 'to_party', 'direction', 'status', 'start_time', 'end_time', 'duration', 'price', 'price_unit', 'date_created', 'date_updated'],
    key_columns=['call_sid'],
    occurred_at="coalesce(start_time, date_created)",
) }}
