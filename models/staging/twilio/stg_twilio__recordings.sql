-- One call recording. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (recording, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'twilio_recordings') }}
),

renamed as (
    select
        sid as recording_sid,
        account_sid,
        call_sid,
        duration,
        status,
        start_time,
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
