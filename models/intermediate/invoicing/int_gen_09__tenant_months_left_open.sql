-- GEN-09: tenant months left out of a close by name and not closed since.
-- Grain: tenant x month. They remain drafts although the month is closed for all other tenants.
with closings as (
    select * from {{ source('ledger', 'closings') }}
)

select
    tenant_id,
    billing_month,
from closings
where tenant_id is not null
group by tenant_id, billing_month
having bool_and(is_left_out)
