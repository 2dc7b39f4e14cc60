-- One transcription of a recording. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (transcription, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'twilio_transcriptions') }}
),

renamed as (
    select
        sid as transcription_sid,
        account_sid,
        recording_sid,
        duration,
        status,
        date_created,
        date_updated,
        price,
        price_unit,
        file_sha256,
        row_number,
        load_batch,
        part_number,
        {{ key_hash('sid') }} as key_hash,
    from source_rows
)

select * from renamed
