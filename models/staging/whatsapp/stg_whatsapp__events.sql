-- One status of an outbound message, or one customer message. Columns are only
-- renamed; every accepted raw row is included.
-- Grain: raw row (message status or inbound message, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'whatsapp_webhooks') }}
),

renamed as (
    select
        waba_id,
        wamid,
        status,
        "timestamp" as event_at,
        recipient_id,
        conversation_id,
        origin_type,
        expiration_timestamp as expires_at,
        pricing_model,
        pricing_type,
        pricing_category,
        billable,
        direction,
        "from" as from_party,
        coalesce(status, direction, 'in') as status_or_direction,
        file_sha256,
        row_number,
        load_batch,
        part_number,
        {{ key_hash("concat_ws('|', waba_id, wamid, coalesce(status, direction, 'in'))") }} as key_hash,
    from source_rows
)

select * from renamed
