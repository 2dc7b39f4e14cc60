-- GEN-02: every distinct state of an Order term, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__order_overrides'), ['order_id', 'tenant_id', 'meter', 'override_field', 'price_key', 'valid_from'], 'order_overrides') }}",
    post_hook="{{ touch_months_after(this, 'order_overrides') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__order_overrides'),
    columns=['order_id', 'tenant_id', 'meter', 'override_field', 'price_key', 'override_value', 'valid_from', 'valid_to', 'updated_at'],
    key_columns=['order_id', 'tenant_id', 'meter', 'override_field', 'price_key', 'valid_from'],
    updated_at='updated_at',
    occurred_at=none,
    record_type=none,
) }}
