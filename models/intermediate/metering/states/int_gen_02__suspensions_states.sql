-- GEN-02: every distinct state of a suspension (tenant x service x interval), with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__suspensions'), ['tenant_id', 'service', 'suspended_from'], 'suspensions') }}",
    post_hook="{{ touch_months_after(this, 'suspensions') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__suspensions'),
    columns=['tenant_id', 'service', 'suspended_from', 'suspended_until', 'updated_at'],
    key_columns=['tenant_id', 'service', 'suspended_from'],
    updated_at='updated_at',
    occurred_at=none,
    record_type=none,
) }}
