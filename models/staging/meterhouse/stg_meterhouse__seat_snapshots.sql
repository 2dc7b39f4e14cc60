-- Full-time users of an org at an instant. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (org x instant, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'seat_snapshots') }}
),

renamed as (
    select
        org_id,
        full_time_users,
        taken_at,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
