-- Meta's conversation analytics, for reconciliation only. Columns are only
-- renamed; every accepted raw row is included.
-- Grain: raw row (data point, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'whatsapp_conversation_analytics') }}
),

renamed as (
    select
        waba_id,
        "start" as starts_at,
        "end" as ends_at,
        phone_number,
        country,
        conversation_type,
        conversation_direction,
        conversation_category,
        conversation,
        cost,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
