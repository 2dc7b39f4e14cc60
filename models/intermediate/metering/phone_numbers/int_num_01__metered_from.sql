-- NUM-01: the first month in which a tenant's numbers cost anything.
-- Grain: tenant with usage or snapshots of its own. Note: numbers are often known and invoiced before the
-- first call. That call shows when other usage began; it does not reverse what was already invoiced.
with evident as (
    select * from {{ ref('int_gen_01__tenant_months_evident') }}
),

closed_lines as (
    select * from {{ source('ledger', 'closed_lines') }}
),

invoiced as (
    select tenant_id, min(usage_month) as first_month
    from closed_lines
    where meter = 'phone_number'
    group by tenant_id
),

own as (
    select tenant_id, min(billing_month) as first_month
    from evident
    group by tenant_id
)

select
    own.tenant_id,
    least(own.first_month, coalesce(invoiced.first_month, own.first_month)) as first_month,
from own
left join invoiced on own.tenant_id = invoiced.tenant_id
