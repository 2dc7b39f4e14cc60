-- A recorded suspension of a service. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (tenant x service x interval, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'suspensions') }}
),

renamed as (
    select
        tenant_id,
        service,
        "from" as suspended_from,
        "to" as suspended_until,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
