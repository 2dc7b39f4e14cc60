-- Every invoice line with its clause, price and amount; the lines of an invoice sum to its amount.
-- Grain: invoice line. Lines of closed invoices come from the ledger as they were issued (GEN-09).
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved(this) }}",
) }}

with lines as (
    select * from {{ ref('int_gen_12__lines_drafted') }} {{ where_moved() }}
),

explanations as (
    select * from {{ ref('int_gen_12__lines_explained') }} {{ where_moved() }}
),

meters as (
    select * from {{ ref('meters') }}
),

closed_lines as (
    select * from {{ source('ledger', 'closed_lines') }} {{ where_moved() }}
),

drafted as (
    select
        lines.invoice_id,
        lines.line_id,
        lines.tenant_id,
        lines.billing_month,
        lines.usage_month,
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
        lines.charge_class,
        lines.corrects_line_id,
        lines.corrects_invoice_number,
        lines.raw_rows,
        meters.service,
        meters.description as meter_description,
        explanations.explanation,
    from lines
    left join meters on lines.meter = meters.meter
    left join explanations on lines.line_id = explanations.line_id
)

select * from drafted
union all by name
select * from closed_lines
