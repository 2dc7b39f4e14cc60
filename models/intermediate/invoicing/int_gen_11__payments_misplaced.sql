-- GEN-11: payments that cannot be matched, as findings: for an invoice that was
-- never issued, or more than was billed.
-- Grain: payment without an invoice, or overpaid invoice. Note: a credit note is billed below 0, so any
-- payment on it is too much; one without payments is not overpaid.
with payments as (
    select * from {{ ref('int_gen_02__payments_states') }} where is_current
),

receivables as (
    select * from {{ ref('int_gen_11__receivables_aged') }}
)

select
    'payment_unmatched' as finding,
    cast(null as varchar) as tenant_id,
    cast(null as date) as billing_month,
    'invoice_number' as field,
    'no issued invoice has the number ' || payments.invoice_number || ': '
    || {{ money_text('payments.amount') }} || ' paid at ' || payments.paid_at::varchar
        as reason,
    'Find the invoice it was meant for, and deliver the payment with that number.'
        as remedy,
from payments
left join receivables on payments.invoice_number = receivables.invoice_number
where receivables.invoice_number is null
union all
-- A payment may have decimals that its currency lacks; they are shown if they are not 0.
select
    'invoice_overpaid' as finding,
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
