-- GEN-02: every distinct state of a payment, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__payments'), ['invoice_number', 'paid_at', 'amount'], 'payments') }}",
    post_hook="{{ touch_months_after(this, 'payments') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__payments'),
    columns=['invoice_number', 'paid_at', 'amount', 'updated_at'],
    key_columns=['invoice_number', 'paid_at', 'amount'],
    updated_at='updated_at',
    occurred_at="paid_at",
    record_type=none,
) }}
