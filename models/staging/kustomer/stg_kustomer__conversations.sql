-- One conversation on the platform. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (conversation, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'kustomer_conversations') }}
),

renamed as (
    select
        "id" as conversation_id,
        org_id,
        customer_id,
        channels,
        created_at,
        ended_at,
        imported_at,
        spam,
        merged_target_id,
        transferred_to_agent_at,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
        part_number,
        {{ key_hash('"id"') }} as key_hash,
    from source_rows
)

select * from renamed
