-- GEN-02: every distinct state of a translation (request x target language), with exact
-- duplicates collapsed and the winner marked.
-- Grain: record key x distinct content. A view: a record that arrived once is read in place.
{{ config(materialized='view') }}

{{ gen_02_current(
    staged=ref('stg_meterhouse__translations'),
    contested=ref('int_gen_02__translations_contested'),
    source_name='translations',
    columns=['translation_id', 'org_id', 'user_id', 'source_lang', 'target_lang', 'character_count', 'status', 'requested_at', 'completed_at', 'updated_at'],
    key_columns=['translation_id'],
    occurred_at="coalesce(completed_at, requested_at)",
) }}
