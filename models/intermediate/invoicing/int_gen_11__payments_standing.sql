-- GEN-11: the payments that stand, and which of them are dated ahead of all else the data knows of.
-- Grain: payment. Note: a payment has no id, so a wrong one is taken back by the opposite amount of the same invoice
-- at the same instant; then neither of the two tells what day it is.
with payments as (
    select * from {{ ref('int_gen_02__payments_states') }} where is_current
),

invoices as (
    select * from {{ source('ledger', 'closed_invoices') }}
),

day_known as (
    select * from {{ ref('int_gen_11__day_known') }}
),

standing as (
    select invoice_number, paid_at, amount
    from payments
    qualify
        sum(amount) over (partition by invoice_number, paid_at, abs(amount)) != 0
)

select
    standing.invoice_number,
    standing.paid_at,
    standing.amount,
    invoices.tenant_id,
    invoices.invoice_number is not null as is_of_issued_invoice,
    coalesce(
        invoices.invoice_number is not null
        and cast(standing.paid_at as date) > day_known.payments_believed_until,
        false
    ) as is_dated_ahead,
from standing
left join invoices on standing.invoice_number = invoices.invoice_number
cross join day_known
