-- One draft invoice per tenant, month and payment method (GEN-12), for a month in arrears
-- (GEN-09); numbered only when closed.
-- Grain: invoice.
with lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

methods as (
    select distinct invoice_id, payment_method_id
    from {{ ref('int_gen_12__lines_invoiced') }}
)

select
    lines.invoice_id,
    cast(null as varchar) as invoice_number,
    lines.tenant_id,
    lines.billing_month,
    methods.payment_method_id,
    'draft' as status,
    lines.currency_code,
    sum(lines.billed_amount)::decimal(18, 3) as billed_amount,
    count(*)::bigint as line_count,
    cast(null as timestamp) as issued_at,
    sha256(
        string_agg(
            concat_ws(
                '|', lines.line_id, lines.pricing_quantity, lines.unit_price,
                lines.billed_amount, lines.currency_code
            ),
            chr(10) order by lines.line_id
        )
    ) as content_sha256,
from lines
inner join methods on lines.invoice_id = methods.invoice_id
group by
    lines.invoice_id, lines.tenant_id, lines.billing_month, methods.payment_method_id,
    lines.currency_code
