-- Bytes an environment held at an instant. Columns are only renamed and meters put in lower
-- case; every accepted raw row is included.
-- Grain: raw row (org x environment x meter x instant, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'storage_snapshots') }}
),

renamed as (
    select
        org_id,
        environment_id,
        environment,
        lower(trim(meter)) as storage_meter,
        bytes,
        taken_at,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
