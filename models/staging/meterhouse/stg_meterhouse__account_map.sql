-- Which tenant an upstream account belongs to, and when. Columns are only
-- renamed; every accepted raw row is included.
-- Grain: raw row (account x interval, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'account_map') }}
),

renamed as (
    select
        tenant_id,
        "system" as account_system,
        account_id,
        "kind" as account_kind,
        valid_from,
        valid_to,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
