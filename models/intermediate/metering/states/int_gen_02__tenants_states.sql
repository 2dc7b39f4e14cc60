-- GEN-02: every distinct state of a tenant, with exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__tenants'), ['tenant_id'], 'tenants') }}",
    post_hook="{{ touch_months_after(this, 'tenants') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__tenants'),
    columns=['tenant_id', 'tenant_name', 'billing_currency', 'bill_to_name', 'bill_to_address', 'bill_to_country', 'payment_method_id', 'whatsapp_payment_method_id', 'reseller_id', 'created_at', 'updated_at'],
    key_columns=['tenant_id'],
    updated_at='updated_at',
    occurred_at=none,
    record_type=none,
) }}
