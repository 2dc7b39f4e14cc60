-- GEN-02: every distinct state of a carrier's notice (notice x state), with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__carrier_penalties'), ['notice_id'], 'carrier_penalties') }}",
    post_hook="{{ touch_months_after(this, 'carrier_penalties') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__carrier_penalties'),
    columns=['notice_id', 'phone_number', 'amount', 'currency_code', 'violated_at', 'posted_at', 'status', 'status_at', 'updated_at'],
    key_columns=['notice_id'],
    updated_at='status_at',
    occurred_at="posted_at",
    record_type='penalty',
) }}
