-- A number added to or removed from a tenant. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (change of a number, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'number_events') }}
),

renamed as (
    select
        tenant_id,
        phone_number,
        number_type,
        event,
        occurred_at,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
