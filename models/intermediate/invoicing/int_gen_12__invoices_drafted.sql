-- GEN-12: the invoices not yet closed, one per tenant, month and payment method, plus one per former currency
-- if a tenant changed currency and has corrections or credits in it (GEN-08). They have everything a document
-- needs except its number and dates, which the close assigns (GEN-09).
-- Grain: invoice.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with lines as (
    select * from {{ ref('int_gen_12__lines_drafted') }} {{ where_moved() }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

settings as (
    select * from {{ ref('invoice_settings') }}
),

entities as (
    select * from {{ ref('issuing_entities') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

invoices as (
    select
        invoice_id,
        tenant_id,
        billing_month,
        payment_method_id,
        currency_code,
        sum(billed_amount)::decimal(18, 3) as billed_amount,
        count(*)::bigint as line_count,
        string_agg(
            concat_ws(
                '|', line_id, pricing_quantity, unit_price, billed_amount, currency_code
            ),
            chr(10) order by line_id
        ) as lines_text,
    from lines
    group by invoice_id, tenant_id, billing_month, payment_method_id, currency_code
),

tenants_listed as (
    select distinct tenant_id from invoices
),

settings_chosen as (
    select
        tenants_listed.tenant_id,
        settings.issuing_entity,
        settings.buyer_tax_id,
        settings.tax_category_code,
        settings.tax_exemption_reason,
    from tenants_listed
    inner join settings on settings.tenant_id in (tenants_listed.tenant_id, '*')
    qualify
        row_number() over (
            partition by tenants_listed.tenant_id order by settings.tenant_id = '*'
        ) = 1
),

headers as (
    select
        invoices.invoice_id,
        invoices.tenant_id,
        coalesce(tenants.tenant_name, invoices.tenant_id) as tenant_name,
        invoices.billing_month,
        invoices.payment_method_id,
        case when invoices.billed_amount < 0 then 'credit_note' else 'invoice' end
            as document_type,
        invoices.currency_code,
        currencies.minor_unit,
        invoices.billed_amount,
        invoices.line_count,
        invoices.lines_text,
        entities.issuing_entity,
        entities.seller_name,
        entities.seller_address,
        entities.seller_city,
        entities.seller_postal_code,
        entities.seller_country,
        entities.seller_company_id,
        entities.seller_tax_id,
        coalesce(tenants.bill_to_name, tenants.tenant_name, invoices.tenant_id)
            as bill_to_name,
        tenants.bill_to_address,
        tenants.bill_to_country,
        settings_chosen.buyer_tax_id,
        settings_chosen.tax_category_code,
        settings_chosen.tax_exemption_reason,
    from invoices
    inner join settings_chosen on invoices.tenant_id = settings_chosen.tenant_id
    inner join entities on settings_chosen.issuing_entity = entities.issuing_entity
    left join tenants on invoices.tenant_id = tenants.tenant_id
    left join currencies on invoices.currency_code = currencies.currency_code
)

select
    * exclude (lines_text),
    -- What the sign-off is bound to: every line and everything printed above them.
    sha256(
        concat_ws(
            chr(10), tenant_name, bill_to_name, bill_to_address, bill_to_country,
            buyer_tax_id, tax_category_code, tax_exemption_reason, seller_name,
            seller_address, seller_city, seller_postal_code, seller_country,
            seller_company_id, seller_tax_id, lines_text
        )
    ) as content_sha256,
from headers
