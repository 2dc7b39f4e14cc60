-- A payment received for an invoice number. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (payment, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'payments') }}
),

renamed as (
    select
        invoice_number,
        paid_at,
        amount,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
