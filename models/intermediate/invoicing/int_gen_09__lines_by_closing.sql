-- GEN-09: every recomputed line, and whether its tenant's month is closed.
-- Grain: invoice line. Every month up to the newest one closed for all tenants is closed, even if nothing was
-- billed in it, unless the tenant was left out by name: usage that arrives later is a correction.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with lines as (
    select * from {{ ref('int_gen_12__lines_invoiced') }} {{ where_moved() }}
),

left_open as (
    select * from {{ ref('int_gen_09__tenant_months_left_open') }}
),

newest as (
    {{ newest_closing() }}
)

select
    lines.*,
    {{ is_closed('lines') }} as is_closed,
from lines
cross join newest
left join left_open
    on
        lines.tenant_id = left_open.tenant_id
        and lines.billing_month = left_open.billing_month
