-- GEN-02: every distinct state of a number log entry, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__number_events'), ['tenant_id', 'phone_number', 'number_type', 'event', 'occurred_at'], 'number_events') }}",
    post_hook="{{ touch_months_after(this, 'number_events') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__number_events'),
    columns=['tenant_id', 'phone_number', 'number_type', 'event', 'occurred_at', 'updated_at'],
    key_columns=['tenant_id', 'phone_number', 'number_type', 'event', 'occurred_at'],
    updated_at='updated_at',
    occurred_at="occurred_at",
    record_type=none,
) }}
