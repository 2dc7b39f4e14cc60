-- GEN-09: the month that takes a tenant's corrections: its earliest month left open, else the first month
-- after the newest one closed for all tenants.
-- Grain: tenant with anything closed or metered. No row before the first close.
with lines as (
    select * from {{ ref('int_gen_12__lines_invoiced') }}
),

closed_lines as (
    select * from {{ source('ledger', 'closed_lines') }}
),

left_open as (
    select tenant_id, min(billing_month) as billing_month
    from {{ ref('int_gen_09__tenant_months_left_open') }}
    group by tenant_id
),

newest as (
    {{ newest_closing() }}
),

tenants as (
    select tenant_id from lines
    union
    select tenant_id from closed_lines
)

select
    tenants.tenant_id,
    coalesce(left_open.billing_month, {{ next_month('newest.closed_until') }})
        as open_month,
from tenants
cross join newest
left join left_open on tenants.tenant_id = left_open.tenant_id
where newest.closed_until is not null
