-- GEN-02: every distinct state of a text message, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. A view: a record that arrived once is read in place.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_twilio__messages'),
    contested=ref('int_gen_02__text_messages_contested'),
    source_name='twilio_messages',
    columns=['message_sid', 'account_sid', 'from_party', 'to_party', 'direction', 'status', 'num_segments', 'num_media', 'date_created', 'date_sent', 'date_updated', 'price', 'price_unit', 'error_code'],
    key_columns=['message_sid'],
    occurred_at="coalesce(date_sent, date_created)",
) }}
