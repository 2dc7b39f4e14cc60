-- A tenant's plan, licences and term, and when they are in force. Columns are only
-- renamed; every accepted raw row is included.
-- Grain: raw row (tenant x interval, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'subscriptions') }}
),

renamed as (
    select
        tenant_id,
        plan_id,
        full_time_licences,
        term_start,
        term_months,
        valid_from,
        valid_to,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
