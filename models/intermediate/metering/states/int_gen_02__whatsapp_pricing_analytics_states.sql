-- GEN-02: every distinct state of a data point of Meta's pricing analytics, with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must not
-- matter, so only its content decides. Meta gives no update time, but its count for a period only
-- grows, so the greater count is the later.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_whatsapp__pricing_analytics'), ['waba_id', 'starts_at', 'ends_at', 'phone_number', 'country', 'pricing_type', 'pricing_category', 'tier'], 'whatsapp_pricing_analytics') }}",
    post_hook="{{ touch_months_after(this, 'whatsapp_pricing_analytics') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_whatsapp__pricing_analytics'),
    columns=['waba_id', 'starts_at', 'ends_at', 'phone_number', 'country', 'pricing_type', 'pricing_category', 'tier', 'volume', 'cost'],
    key_columns=['waba_id', 'starts_at', 'ends_at', 'phone_number', 'country', 'pricing_type', 'pricing_category', 'tier'],
    updated_at='volume',
    occurred_at="starts_at",
    record_type=none,
) }}
