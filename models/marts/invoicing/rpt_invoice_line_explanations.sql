-- One sentence of arithmetic per invoice line: quantity, what was included, price and why, clause.
-- Grain: invoice line.
with lines as (
    select * from {{ ref('fct_invoice_lines') }}
)

select
    line_id,
    invoice_id,
    tenant_id,
    billing_month,
    explanation,
from lines
