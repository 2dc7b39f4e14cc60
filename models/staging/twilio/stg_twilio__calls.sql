-- One Twilio call leg as last reported. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (call leg, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'twilio_calls') }}
),

renamed as (
    select
        sid as call_sid,
        account_sid,
        parent_call_sid,
        "from" as from_party,
        "to" as to_party,
        direction,
        status,
        start_time,
        end_time,
        duration,
        price,
        price_unit,
        date_created,
        date_updated,
        file_sha256,
        row_number,
        load_batch,
        part_number,
        {{ key_hash('sid') }} as key_hash,
    from source_rows
)

select * from renamed
