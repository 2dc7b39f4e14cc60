-- GEN-06, GEN-08, STO-02: tenant months that cannot be published, and what is missing: a price, a currency, a
-- snapshot, or the plan that the storage limit (STO-03) or pool (WAP-05) depends on.
-- Grain: tenant x month x meter x price key x reason. Other tenants are not held up.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__usage_by_price_version') }} {{ where_moved() }}
),

fees as (
    select * from {{ ref('int_wap_04__fees_rated') }} {{ where_moved() }}
),

penalties as (
    select * from {{ ref('int_gen_08__fines_in_currency') }} where is_unrated {{ and_moved() }}
),

storage as (
    select * from {{ ref('int_sto__usage_metered') }} where (is_stale or is_plan_unknown) {{ and_moved() }}
),

pools as (
    select * from {{ ref('int_wap_05__pools_granted') }} where is_plan_unknown {{ and_moved() }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    tenant_id, billing_month, meter, price_key,
    'unrated' as reason,
    sum(raw_rows)::bigint as raw_rows,
    sum(quantity)::bigint as quantity,
from usage
where is_unrated and quantity > 0
group by tenant_id, billing_month, meter, price_key
union all
select
    tenant_id, billing_month, 'whatsapp_fee' as meter, price_key,
    'unrated' as reason,
    0::bigint as raw_rows,
    quantity,
from fees
where is_unrated
union all
select
    tenant_id, billing_month, meter, price_key,
    'unrated' as reason,
    sum(raw_rows)::bigint as raw_rows,
    sum(quantity)::bigint as quantity,
from penalties
group by tenant_id, billing_month, meter, price_key
union all
select
    tenant_id, billing_month, meter, price_key,
    'stale_snapshot' as reason,
    0::bigint as raw_rows,
    0::bigint as quantity,
from storage
where is_stale
group by tenant_id, billing_month, meter, price_key
union all
select
    tenant_id, billing_month, meter, price_key,
    'unknown_plan' as reason,
    sum(raw_rows)::bigint as raw_rows,
    sum(quantity)::bigint as quantity,
from storage
where is_plan_unknown
group by tenant_id, billing_month, meter, price_key
union all
select
    usage.tenant_id, usage.billing_month, usage.meter, usage.price_key,
    'unknown_plan' as reason,
    sum(usage.raw_rows)::bigint as raw_rows,
    sum(usage.quantity)::bigint as quantity,
from usage
inner join pools
    on
        usage.tenant_id = pools.tenant_id
        and usage.billing_month = pools.billing_month
where usage.meter in ('whatsapp_conversation', 'whatsapp_message') and usage.quantity > 0
group by usage.tenant_id, usage.billing_month, usage.meter, usage.price_key
union all
select
    usage.tenant_id, usage.billing_month, '' as meter, '' as price_key,
    'unknown_currency' as reason,
    0::bigint as raw_rows,
    0::bigint as quantity,
from usage
inner join tenants on usage.tenant_id = tenants.tenant_id
{{ join_currency_invoiced('usage') }}
left join currencies on {{ currency_of_month() }} = currencies.currency_code
where currencies.currency_code is null
group by usage.tenant_id, usage.billing_month
