-- GEN-11: the open amount of every issued invoice, and how long it has been due, as of the newest day the
-- data knows of. Suspension candidates and receivables are derived from it.
-- Grain: issued invoice, including credit notes. Note: models have no clock, so "today" is the newest day the
-- data knows of. Payments tell such a day only if those of two tenants reach it: one date typed wrong must not make
-- every invoice past due. Only what the tenant still owes can be past due: for a credit note, or if more was paid
-- than billed, the open amount is below 0.
with invoices as (
    select * from {{ source('ledger', 'closed_invoices') }}
),

payments as (
    select * from {{ ref('int_gen_11__payments_standing') }}
),

tenants_paid as (
    select tenant_id, max(cast(paid_at as date)) as paid_on
    from payments
    where is_of_issued_invoice and not is_dated_ahead
    group by tenant_id
),

-- The second newest of the tenants' newest days: up to it two of them vouch.
days_known as (
    select known_on from {{ ref('int_gen_11__day_known') }}
    union all
    select paid_on as known_on
    from tenants_paid
    qualify row_number() over (order by paid_on desc, tenant_id) = 2
),

today as (
    select max(known_on) as known_on from days_known
),

paid as (
    select invoice_number, sum(amount) as paid_amount
    from payments
    group by invoice_number
),

opened as (
    select
        invoices.tenant_id,
        invoices.invoice_id,
        invoices.invoice_number,
        invoices.billing_month,
        invoices.document_type,
        invoices.currency_code,
        invoices.minor_unit,
        invoices.billed_amount,
        -- All six decimals a payment may have: if rounded, one that falls short
        -- by less would settle its invoice.
        coalesce(paid.paid_amount, 0)::decimal(24, 6) as paid_amount,
        (invoices.billed_amount - coalesce(paid.paid_amount, 0))::decimal(24, 6)
            as open_amount,
        invoices.issued_at,
        invoices.due_on,
    from invoices
    left join paid on invoices.invoice_number = paid.invoice_number
),

aged as (
    select
        opened.*,
        today.known_on as aged_to,
        case
            when opened.open_amount > 0 and opened.due_on < today.known_on
                then today.known_on - opened.due_on
            else 0
        end::bigint as days_past_due,
    from opened
    cross join today
)

select
    *,
    case
        when open_amount = 0 then 'settled'
        when open_amount < 0 then 'credit'
        when days_past_due = 0 then 'not_due'
        when days_past_due <= 30 then '1-30'
        when days_past_due <= 60 then '31-60'
        when days_past_due <= 90 then '61-90'
        else 'over_90'
    end as aging_bucket,
from aged
