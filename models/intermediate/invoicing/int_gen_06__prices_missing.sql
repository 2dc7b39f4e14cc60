-- GEN-06: every price that usage waits for, with how many tenants and how much usage that is: one price added
-- releases them all.
-- Grain: month x meter x price key x currency. A fine has no price in the price book (PEN-01).
with blocked as (
    select * from {{ ref('int_gen_06__tenant_months_blocked') }}
    where reason = 'unrated' and meter != 'carrier_penalty'
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

meters as (
    select * from {{ ref('meters') }}
),

summed as (
    select
        blocked.billing_month,
        blocked.meter,
        blocked.price_key,
        {{ currency_of_month() }} as currency_code,
        count(distinct blocked.tenant_id) as tenant_count,
        sum(blocked.quantity)::bigint as quantity,
        sum(blocked.raw_rows)::bigint as raw_rows,
    from blocked
    inner join tenants on blocked.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('blocked') }}
    group by
        blocked.billing_month, blocked.meter, blocked.price_key, {{ currency_of_month() }}
)

select
    summed.billing_month,
    summed.meter,
    summed.price_key,
    concat_ws(' ', summed.meter, nullif(summed.price_key, ''), summed.currency_code)
    || ': no price; ' || {{ units_text('summed.tenant_count', "'tenant'") }} || ', '
    || {{ units_text('summed.quantity', 'meters.unit') }} || ' wait' as reason,
    summed.raw_rows,
from summed
inner join meters on summed.meter = meters.meter
