-- GEN-11: payments that cannot be matched, as findings: for an invoice that was never issued, dated ahead of all else
-- the data knows of, or more than was billed. Grain: payment without an invoice or dated ahead, or overpaid invoice.
-- Note: a credit note is billed below 0, so any payment on it is too much; one without payments is not overpaid.
with payments as (
    select * from {{ ref('int_gen_11__payments_standing') }}
),

receivables as (
    select * from {{ ref('int_gen_11__receivables_aged') }}
)

select
    'payment_unmatched' as finding,
    'info' as severity,
    cast(null as varchar) as tenant_id,
    cast(null as date) as billing_month,
    'invoice_number' as field,
    'no issued invoice has the number ' || invoice_number || ': '
    || {{ money_text('amount') }} || ' paid at ' || paid_at::varchar as reason,
    'Find the invoice it was meant for, and deliver the payment with that number; '
    || 'the opposite amount with this number and paid_at takes this one back.' as remedy,
from payments
where not is_of_issued_invoice
union all
-- Of no month, so that it holds the next close: who is past due is counted without its day.
select
    'payment_dated_ahead' as finding,
    'warning' as severity,
    tenant_id,
    cast(null as date) as billing_month,
    'paid_at' as field,
    {{ money_text('amount') }} || ' paid on invoice ' || invoice_number
    || ' is dated ' || paid_at::varchar || ', later than the data can know yet: '
    || 'the amount counts, the date does not' as reason,
    'Take it back with the opposite amount, the same invoice_number and paid_at, '
    || 'and deliver the payment again with the right date.' as remedy,
from payments
where is_dated_ahead
union all
-- A payment may have decimals that its currency lacks; they are shown if they are not 0.
select
    'invoice_overpaid' as finding,
    'info' as severity,
    tenant_id,
    billing_month,
    'amount' as field,
    'invoice ' || invoice_number || ': ' || currency_code || ' '
    || {{ billed_text('billed_amount', 'minor_unit') }} || ' was billed, '
    || {{ billed_text('paid_amount', 'least(minor_unit, 2)') }} || ' paid' as reason,
    'Ask the payment provider whether it was taken twice; refund it or set it off.'
        as remedy,
from receivables
where paid_amount > greatest(billed_amount, 0)
