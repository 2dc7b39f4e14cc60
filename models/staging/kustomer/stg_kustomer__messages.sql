-- One message of a conversation. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (message, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'kustomer_messages') }}
),

renamed as (
    select
        "id" as message_id,
        org_id,
        conversation_id,
        direction,
        channel,
        sent_at,
        assistant_id,
        assistant_type,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
        part_number,
        {{ key_hash('"id"') }} as key_hash,
    from source_rows
)

select * from renamed
