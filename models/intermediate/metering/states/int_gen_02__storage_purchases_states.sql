-- GEN-02: every distinct state of a storage purchase, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__storage_purchases'), ['tenant_id', 'meter', 'valid_from'], 'storage_purchases') }}",
    post_hook="{{ touch_months_after(this, 'storage_purchases') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__storage_purchases'),
    columns=['tenant_id', 'meter', 'bytes', 'valid_from', 'valid_to', 'updated_at'],
    key_columns=['tenant_id', 'meter', 'valid_from'],
    updated_at='updated_at',
    occurred_at=none,
    record_type=none,
) }}
