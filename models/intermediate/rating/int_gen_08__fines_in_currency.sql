-- GEN-08, PEN-02: every metered fine with the currency it is invoiced in: its month's. A credit
-- is given in that of the month its fine was billed in, whatever the tenant changed to since.
-- Grain: metered fine (per notice: the bill and the credit). Trap: held to the currency of its own
-- month, a credit would keep every later month of the tenant from being published.
with fines as (
    select * from {{ ref('int_pen__usage_metered') }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

bills as (
    select
        fines.tenant_id,
        fines.price_key,
        min({{ currency_of_month() }}) as currency_code,
    from fines
    inner join tenants on fines.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('fines') }}
    where fines.metered_fate = 'countable' and fines.quantity > 0
    group by fines.tenant_id, fines.price_key
)

select
    fines.*,
    case
        when fines.quantity < 0 and bills.currency_code is not null
            then bills.currency_code
        else {{ currency_of_month() }}
    end as invoice_currency,
from fines
left join tenants on fines.tenant_id = tenants.tenant_id
{{ join_currency_invoiced('fines') }}
left join bills
    on fines.tenant_id = bills.tenant_id and fines.price_key = bills.price_key
