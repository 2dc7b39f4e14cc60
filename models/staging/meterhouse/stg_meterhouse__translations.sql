-- One machine translation; the text is never stored, only its length. Columns are only
-- renamed; every accepted raw row is included.
-- Grain: raw row (request x target language, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'translations') }}
),

renamed as (
    select
        translation_id,
        org_id,
        user_id,
        source_lang,
        target_lang,
        character_count,
        status,
        requested_at,
        completed_at,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
        part_number,
        {{ key_hash('translation_id') }} as key_hash,
    from source_rows
)

select * from renamed
