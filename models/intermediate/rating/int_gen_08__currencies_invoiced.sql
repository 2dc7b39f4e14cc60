-- GEN-08, GEN-09: the currency a tenant's month was invoiced in, which the month keeps.
-- Grain: tenant x usage month for which a line was issued. Note: if a closed month were priced in a currency
-- the tenant changed to later, it would be credited in full and billed a second time.
with closed_lines as (
    select * from {{ source('ledger', 'closed_lines') }}
)

select
    tenant_id,
    usage_month as billing_month,
    arg_min(currency_code, billing_month::varchar || ' ' || line_id) as currency_code,
from closed_lines
-- The credit of a fine is in the currency of another month.
where charge_category is distinct from 'credit'
group by tenant_id, usage_month
