-- GEN-02: every distinct state of a number snapshot (number x day), with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_twilio__phone_numbers'), ['account_sid', 'phone_number_sid', 'snapshot_date'], 'twilio_phone_numbers') }}",
    post_hook="{{ touch_months_after(this, 'twilio_phone_numbers') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_twilio__phone_numbers'),
    columns=['phone_number_sid', 'account_sid', 'phone_number', 'date_created', 'date_updated', 'snapshot_date'],
    key_columns=['account_sid', 'phone_number_sid', 'snapshot_date'],
    updated_at='date_updated',
    occurred_at="coalesce(cast(snapshot_date as timestamp), date_created)",
    record_type=none,
) }}
