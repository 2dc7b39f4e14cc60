-- A daily snapshot of a provisioned number, for reconciliation. Columns are only
-- renamed; every accepted raw row is included.
-- Grain: raw row (number x day, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'twilio_phone_numbers') }}
),

renamed as (
    select
        sid as phone_number_sid,
        account_sid,
        phone_number,
        date_created,
        date_updated,
        snapshot_date,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
