-- GEN-02: translations (request x target language) that arrived more than once: every distinct state, with
-- exact duplicates collapsed and the winner marked.
-- Grain: record key x distinct content, for records with more than one raw row. Note: which file or order
-- brought a state in must not matter, so only its content decides.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    pre_hook=[
        "{{ find_rows_contested_anew('translations', ref('stg_meterhouse__translations')) }}",
        "{{ note_contested_rows('translations') }}",
    ],
    post_hook=[
        "{{ forget_rows_contested_anew('translations') }}",
        "{{ touch_months_of_contested(this, 'translations') }}",
    ],
) }}

{{ gen_02_states(
    staged=ref('stg_meterhouse__translations'),
    columns=['translation_id', 'org_id', 'user_id', 'source_lang', 'target_lang', 'character_count', 'status', 'requested_at', 'completed_at', 'updated_at'],
    key_columns=['translation_id'],
    updated_at='updated_at',
    occurred_at="coalesce(completed_at, requested_at)",
    record_type='translation',
    contested_in='translations',
) }}
