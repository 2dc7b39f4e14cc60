-- GEN-11: the open amount of every issued invoice, and how long it has been due,
-- as of the newest day the data knows of.
-- Grain: issued invoice, including credit notes. Drafts are not due, so it is empty until a month is closed.
select
    tenant_id,
    invoice_id,
    invoice_number,
    billing_month,
    document_type,
    currency_code,
    billed_amount,
    paid_amount,
    open_amount,
    issued_at,
    due_on,
    aged_to,
    days_past_due,
    aging_bucket,
from {{ ref('int_gen_11__receivables_aged') }}
