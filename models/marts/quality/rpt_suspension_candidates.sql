-- GEN-11: services that may be suspended because usage fees are past due. Rating never changes.
-- Grain: tenant x service x invoice. Drafts are not due, so this fills once months are closed.
with invoices as (
    select * from {{ ref('fct_invoices') }} where status = 'issued'
),

payments as (
    select * from {{ ref('int_gen_02__payments_states') }} where is_current
),

lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

meters as (
    select * from {{ ref('meters') }}
),

paid as (
    select invoice_number, sum(amount) as paid_amount
    from payments
    group by invoice_number
)

select distinct
    invoices.tenant_id,
    meters.service,
    invoices.invoice_id,
    invoices.invoice_number,
    invoices.billing_month,
    invoices.issued_at,
    invoices.currency_code,
    (invoices.billed_amount - coalesce(paid.paid_amount, 0))::decimal(18, 3)
        as open_amount,
from invoices
inner join lines on invoices.invoice_id = lines.invoice_id
inner join meters on lines.meter = meters.meter
left join paid on invoices.invoice_number = paid.invoice_number
where
    meters.service in ('Voice', 'WhatsApp')
    and invoices.billed_amount > coalesce(paid.paid_amount, 0)
