-- One sentence of arithmetic per invoice line: quantity, what was included, the
-- price and the reason for it, clause.
-- Grain: invoice line.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved(this) }}",
) }}

with lines as (
    select * from {{ ref('fct_invoice_lines') }} {{ where_moved() }}
)

select
    line_id,
    invoice_id,
    tenant_id,
    billing_month,
    explanation,
from lines
