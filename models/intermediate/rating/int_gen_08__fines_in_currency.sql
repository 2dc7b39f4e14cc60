-- GEN-08, PEN-02: every metered fine with the currency it is invoiced in, which is that of
-- its month. A credit is given in the currency of the month in which its fine was billed,
-- whatever the tenant has changed to since.
-- Grain: metered fine (per notice: the bill and the credit). Note: if a credit had to be in the currency of
-- its own month, every later month of the tenant could not be published.
with tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

fines as (
    select
        metered.*,
        {{ currency_of_month() }} as month_currency,
    from {{ ref('int_pen__usage_metered') }} as metered
    left join tenants on metered.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('metered') }}
),

currencies_chosen as (
    select
        * exclude (month_currency),
        case
            when quantity < 0
                then coalesce(
                    min(month_currency) filter (
                        where metered_fate = 'countable' and quantity > 0
                    ) over (partition by tenant_id, price_key),
                    month_currency
                )
            else month_currency
        end as invoice_currency,
    from fines
)

select
    *,
    coalesce(metered_fate = 'countable' and currency_code != invoice_currency, false)
        as is_unrated,
from currencies_chosen
