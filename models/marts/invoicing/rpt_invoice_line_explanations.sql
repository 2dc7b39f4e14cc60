-- One sentence of arithmetic per invoice line: quantity, what was included, price, clause.
-- Grain: invoice line.
with lines as (
    select * from {{ ref('fct_invoice_lines') }}
)

select
    line_id,
    invoice_id,
    tenant_id,
    billing_month,
    concat(
        consumed_quantity, ' ', consumed_unit,
        case when price_key != '' then ' (' || price_key || ')' else '' end,
        case
            when charge_category = 'included'
                then ' covered by ' || replace(price_id, '_', ' ')
            when included_quantity > 0 then ', less ' || included_quantity || ' included'
            else ''
        end,
        ': ', pricing_quantity, ' x ', currency_code, ' ', unit_price,
        ' = ', rated_amount, ', rounded to ', billed_amount,
        '; price ', price_id, ' (', price_origin, ')',
        case when is_placeholder_price then ', a placeholder' else '' end,
        '; clause ', clause_id, '.'
    ) as explanation,
from lines
