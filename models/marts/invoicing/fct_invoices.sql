-- One invoice per tenant, month and payment method (GEN-12), plus one per former currency if a tenant changed
-- currency and has corrections or credits in it (GEN-08). Months are invoiced in arrears (GEN-09): an invoice
-- is a draft until its month is closed, then as the ledger issued it, numbered and dated.
-- Grain: invoice.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved(this) }}",
) }}

with drafted as (
    select * from {{ ref('int_gen_12__invoices_drafted') }} {{ where_moved() }}
),

closed_invoices as (
    select * from {{ source('ledger', 'closed_invoices') }} {{ where_moved() }}
)

select
    invoice_id,
    cast(null as varchar) as invoice_number,
    document_type,
    'draft' as status,
    tenant_id,
    tenant_name,
    billing_month,
    payment_method_id,
    currency_code,
    minor_unit,
    billed_amount,
    line_count,
    cast(null as timestamp) as issued_at,
    cast(null as date) as due_on,
    issuing_entity,
    seller_name,
    seller_address,
    seller_city,
    seller_postal_code,
    seller_country,
    seller_company_id,
    seller_tax_id,
    bill_to_name,
    bill_to_address,
    bill_to_country,
    buyer_tax_id,
    tax_category_code,
    tax_exemption_reason,
    content_sha256,
from drafted
union all by name
select * from closed_invoices
