-- GEN-02: every distinct state of a subscription (tenant x interval), with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__subscriptions'), ['tenant_id', 'valid_from'], 'subscriptions') }}",
    post_hook="{{ touch_months_after(this, 'subscriptions') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__subscriptions'),
    columns=['tenant_id', 'plan_id', 'full_time_licences', 'term_start', 'term_months', 'valid_from', 'valid_to', 'updated_at'],
    key_columns=['tenant_id', 'valid_from'],
    updated_at='updated_at',
    occurred_at=none,
    record_type=none,
) }}
