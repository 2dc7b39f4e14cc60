-- Twilio's own usage totals, for reconciliation only. Columns are only renamed;
-- every accepted raw row is included.
-- Grain: raw row (category x period, possibly repeated).
with source_rows as (
    select * from {{ source('raw', 'twilio_usage_records') }}
),

renamed as (
    select
        account_sid,
        category,
        start_date,
        end_date,
        "count" as category_count,
        "usage" as category_usage,
        usage_unit as category_usage_unit,
        price,
        price_unit,
        as_of,
        file_sha256,
        row_number,
        load_batch,
    from source_rows
)

select * from renamed
