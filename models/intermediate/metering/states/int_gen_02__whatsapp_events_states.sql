-- GEN-02: every distinct state of a WhatsApp message status or inbound message, with exact duplicates
-- collapsed and the winner marked.
-- Grain: record key x distinct content. A view: a record that arrived once is read in place.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_whatsapp__events'),
    contested=ref('int_gen_02__whatsapp_events_contested'),
    source_name='whatsapp_webhooks',
    columns=['waba_id', 'wamid', 'status', 'event_at', 'recipient_id', 'conversation_id', 'origin_type', 'expires_at', 'pricing_model', 'pricing_type', 'pricing_category', 'billable', 'direction', 'from_party', 'status_or_direction'],
    key_columns=['waba_id', 'wamid', 'status_or_direction'],
    occurred_at="event_at",
) }}
