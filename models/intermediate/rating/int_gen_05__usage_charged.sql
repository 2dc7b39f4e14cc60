-- GEN-05, GEN-07: usage of every meter with the included quantity, the overage and the amount.
-- Grain: tenant x month x meter x price key x price version x relief.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__order_pools_drawn') }} {{ where_moved() }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

meters as (
    select * from {{ ref('meters') }}
)

select
    usage.tenant_id,
    usage.billing_month,
    usage.meter,
    usage.price_key,
    usage.price_id,
    usage.relief,
    usage.metered_quantity,
    usage.quantity as consumed_quantity,
    meters.unit as consumed_unit,
    case
        when usage.relief != 'none' then usage.quantity else usage.drawn_quantity
    end::bigint as included_quantity,
    case
        when usage.relief in ('pool', 'first_number') then usage.quantity
        else usage.drawn_quantity
    end::bigint as drawn_quantity,
    case
        when usage.relief != 'none' then 0
        else usage.quantity - usage.drawn_quantity
    end::bigint as overage_quantity,
    case when usage.relief != 'none' then 0 else usage.unit_price end::decimal(18, 8)
        as unit_price,
    usage.price_origin,
    {{ currency_of_month() }} as currency_code,
    case
        when usage.relief != 'none' then 0
        else
            cast(usage.quantity - usage.drawn_quantity as decimal(18, 0))
            * usage.unit_price
    end::decimal(36, 8) as rated_amount,
    usage.is_unrated,
    usage.raw_rows,
from usage
inner join tenants on usage.tenant_id = tenants.tenant_id
{{ join_currency_invoiced('usage') }}
left join meters on usage.meter = meters.meter
