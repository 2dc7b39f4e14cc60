-- GEN-02: every distinct state of an account assignment (account x interval), with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__account_map'), ['tenant_id', 'account_system', 'account_id', 'valid_from'], 'account_map') }}",
    post_hook="{{ touch_months_after(this, 'account_map') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__account_map'),
    columns=['tenant_id', 'account_system', 'account_id', 'account_kind', 'valid_from', 'valid_to', 'updated_at'],
    key_columns=['tenant_id', 'account_system', 'account_id', 'valid_from'],
    updated_at='updated_at',
    occurred_at=none,
    record_type=none,
) }}
