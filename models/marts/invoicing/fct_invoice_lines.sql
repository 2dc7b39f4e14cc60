-- Every invoice line with its clause, price and amount; the sum of an invoice is the sum of these.
-- Grain: invoice line.
with lines as (
    select * from {{ ref('int_gen_12__lines_invoiced') }}
),

meters as (
    select * from {{ ref('meters') }}
)

select
    lines.invoice_id,
    lines.line_id,
    lines.tenant_id,
    lines.billing_month,
    lines.billing_month as usage_month,
    lines.meter,
    lines.price_key,
    lines.clause_id,
    lines.price_id,
    lines.price_origin,
    lines.is_placeholder as is_placeholder_price,
    lines.consumed_quantity,
    meters.unit as consumed_unit,
    lines.included_quantity,
    lines.drawn_quantity,
    lines.pricing_quantity,
    meters.unit as pricing_unit,
    lines.unit_price,
    lines.rated_amount,
    lines.billed_amount,
    lines.currency_code,
    lines.charge_category,
    cast(null as varchar) as charge_class,
    cast(null as varchar) as corrects_line_id,
    lines.raw_rows,
from lines
left join meters on lines.meter = meters.meter
