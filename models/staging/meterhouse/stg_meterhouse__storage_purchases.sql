-- Storage bought on top of the plan. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (purchase, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'storage_purchases') }}
),

renamed as (
    select
        tenant_id,
        meter,
        bytes,
        valid_from,
        valid_to,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
