-- GEN-09, GEN-12: the lines of every invoice not yet closed: those of the open months, and the corrections of
-- closed months that are due on them.
-- Grain: invoice line.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with open_lines as (
    select * from {{ ref('int_gen_09__lines_by_closing') }} where not is_closed {{ and_moved() }}
),

corrections as (
    select * from {{ ref('int_gen_09__lines_corrected') }} {{ where_moved() }}
),

closed_invoices as (
    select * from {{ source('ledger', 'closed_invoices') }}
),

closed_lines as (
    select * from {{ source('ledger', 'closed_lines') }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

corrected_invoices as (
    select closed_lines.line_id, closed_invoices.invoice_number
    from closed_lines
    inner join closed_invoices on closed_lines.invoice_id = closed_invoices.invoice_id
),

-- PEN-02: the line that billed a fine, for the credit that reverses it to refer to.
fines_invoiced as (
    select
        tenant_id, price_key,
        arg_min(line_id, billing_month::varchar || ' ' || line_id) as line_id,
    from closed_lines
    where meter = 'carrier_penalty' and pricing_quantity > 0
    group by tenant_id, price_key
),

open_lines_placed as (
    select
        open_lines.*,
        fines_invoiced.line_id as corrects_line_id,
        corrected_invoices.invoice_number as corrects_invoice_number,
    from open_lines
    left join fines_invoiced
        on
            open_lines.tenant_id = fines_invoiced.tenant_id
            and open_lines.meter = 'carrier_penalty'
            and open_lines.price_key = fines_invoiced.price_key
            and open_lines.charge_category = 'credit'
    left join corrected_invoices on fines_invoiced.line_id = corrected_invoices.line_id
),

corrections_placed as (
    select
        corrections.*,
        case
            when starts_with(corrections.meter, 'whatsapp_')
                then coalesce(tenants.whatsapp_payment_method_id, 'default')
            else coalesce(tenants.payment_method_id, 'default')
        end as payment_method_id,
        tenants.currency_code as own_currency,
        corrected_invoices.invoice_number as corrects_invoice_number,
    from corrections
    left join tenants on corrections.tenant_id = tenants.tenant_id
    left join corrected_invoices
        on corrections.corrects_line_id = corrected_invoices.line_id
)

select
    invoice_id,
    line_id,
    tenant_id,
    billing_month,
    billing_month as usage_month,
    payment_method_id,
    meter,
    price_key,
    clause_id,
    price_id,
    price_origin,
    is_placeholder,
    consumed_quantity,
    included_quantity,
    drawn_quantity,
    pricing_quantity,
    unit_price,
    rated_amount,
    billed_amount,
    currency_code,
    charge_category,
    cast(null as varchar) as charge_class,
    corrects_line_id,
    corrects_invoice_number,
    cast(null as bigint) as recomputed_quantity,
    cast(null as bigint) as invoiced_quantity,
    cast(null as decimal(18, 3)) as recomputed_amount,
    cast(null as decimal(18, 3)) as invoiced_amount,
    raw_rows,
from open_lines_placed
union all
select
    {{ invoice_id('own_currency') }} as invoice_id,
    line_id,
    tenant_id,
    billing_month,
    usage_month,
    payment_method_id,
    meter,
    price_key,
    clause_id,
    price_id,
    price_origin,
    is_placeholder,
    consumed_quantity,
    included_quantity,
    drawn_quantity,
    pricing_quantity,
    unit_price,
    rated_amount,
    billed_amount,
    currency_code,
    charge_category,
    'correction' as charge_class,
    corrects_line_id,
    corrects_invoice_number,
    recomputed_quantity,
    invoiced_quantity,
    recomputed_amount,
    invoiced_amount,
    raw_rows,
from corrections_placed
