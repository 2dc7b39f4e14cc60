-- Who is billed, how and in which currency. Columns are only renamed; every accepted raw row is included.
-- Grain: raw row (tenant, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'tenants') }}
),

renamed as (
    select
        tenant_id,
        "name" as tenant_name,
        billing_currency,
        bill_to_name,
        bill_to_address,
        bill_to_country,
        payment_method_id,
        whatsapp_payment_method_id,
        reseller_id,
        created_at,
        updated_at,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
