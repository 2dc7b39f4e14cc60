-- GEN-02: the states a record arrived in, its exact duplicates collapsed, one winner.
-- Grain: record key x distinct content. Trap: which file or order brought a state in
-- must not matter, so only content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_whatsapp__events'), ['waba_id', 'wamid', 'status_or_direction']) }}",
    post_hook="{{ touch_months_after(this, 'whatsapp_webhooks') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_whatsapp__events'),
    columns=['waba_id', 'wamid', 'status', 'event_at', 'recipient_id', 'conversation_id', 'origin_type', 'expires_at', 'pricing_model', 'pricing_type', 'pricing_category', 'billable', 'direction', 'from_party', 'status_or_direction'],
    key_columns=['waba_id', 'wamid', 'status_or_direction'],
    updated_at='event_at',
    occurred_at="event_at",
    record_type=none,
) }}
