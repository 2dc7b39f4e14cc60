-- GEN-02: every distinct state of a Twilio usage total (category x period), with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. Note: which file or order brought a state in must
-- not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook="{{ touch_months_before(this, ref('stg_twilio__usage_records'), ['account_sid', 'category', 'start_date', 'end_date'], 'twilio_usage_records') }}",
    post_hook="{{ touch_months_after(this, 'twilio_usage_records') }}",
) }}

{{ gen_02_states(
    staged=ref('stg_twilio__usage_records'),
    columns=['account_sid', 'category', 'start_date', 'end_date', 'category_count', 'category_usage', 'category_usage_unit', 'price', 'price_unit', 'as_of'],
    key_columns=['account_sid', 'category', 'start_date', 'end_date'],
    updated_at='as_of',
    occurred_at="cast(start_date as timestamp)",
    record_type=none,
) }}
