-- A term that an Order sets differently from the published terms. Columns are only
-- renamed; every accepted raw row is included.
-- Grain: raw row (order term, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'order_overrides') }}
),

renamed as (
    select
        order_id,
        tenant_id,
        meter,
        "field" as override_field,
        price_key,
        "value" as override_value,
        valid_from,
        valid_to,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
