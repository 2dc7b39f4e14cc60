-- One state of a carrier's fine. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (notice x state, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'carrier_penalties') }}
),

renamed as (
    select
        notice_id,
        phone_number,
        amount,
        currency_code,
        violated_at,
        posted_at,
        status,
        status_at,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
