-- GEN-11: what is open of every issued invoice, and how long it has been due, to the newest day the data knows of.
-- Grain: issued invoice, credit notes too. Drafts are not due, so it fills once months are closed.
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
    days_past_due,
    aging_bucket,
from {{ ref('int_gen_11__receivables_aged') }}
