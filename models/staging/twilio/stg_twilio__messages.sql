-- One Twilio SMS or MMS. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (message, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'twilio_messages') }}
),

renamed as (
    select
        sid as message_sid,
        account_sid,
        "from" as from_party,
        "to" as to_party,
        direction,
        status,
        num_segments,
        num_media,
        date_created,
        date_sent,
        date_updated,
        price,
        price_unit,
        error_code,
        file_sha256,
        row_number,
        load_batch,
        part_number,
        {{ key_hash('sid') }} as key_hash,
    from source_rows
)

select * from renamed
