-- GEN-02: every distinct state of a storage snapshot (org x environment x meter x instant), with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_meterhouse__storage_snapshots'), ['org_id', 'environment_id', 'storage_meter', 'taken_at'], 'storage_snapshots') }}",
    post_hook="{{ touch_months_after(this, 'storage_snapshots') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__storage_snapshots'),
    columns=['org_id', 'environment_id', 'environment', 'storage_meter', 'bytes', 'taken_at', 'updated_at'],
    key_columns=['org_id', 'environment_id', 'storage_meter', 'taken_at'],
    updated_at='updated_at',
    occurred_at="taken_at",
    record_type=none,
) }}
