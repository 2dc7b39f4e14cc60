-- GEN-06: usage split into what an Order includes and what is left to charge.
-- Grain: as int_gen_06__usage_by_price_version. The included quantity is used up in order of time, then key.
-- An override in force at the month's last instant counts for the whole month.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__usage_by_price_version') }} {{ where_moved() }}
),

pools as (
    select * from {{ ref('int_gen_06__order_pools') }}
),

pools_found as (
    select
        usage.tenant_id, usage.billing_month, usage.meter, usage.price_key,
        usage.relief, usage.price_id,
        pools.included_quantity,
        pools.price_key as pool_key,
    from usage
    inner join pools
        on
            usage.tenant_id = pools.tenant_id
            and usage.meter = pools.meter
            and usage.relief = 'none'
            and pools.price_key in (usage.price_key, '')
            and {{ in_force_at_month_end('pools.valid_from', 'pools.valid_to', 'usage.billing_month') }}
    qualify
        row_number() over (
            partition by
                usage.tenant_id, usage.billing_month, usage.meter, usage.price_key,
                usage.relief, usage.price_id
            order by
                pools.price_key desc,
                pools.valid_from desc,
                pools.order_id desc
        ) = 1
),

pools_matched as (
    select
        usage.*,
        pools_found.included_quantity,
        pools_found.pool_key,
    from usage
    left join pools_found
        on
            usage.tenant_id = pools_found.tenant_id
            and usage.billing_month = pools_found.billing_month
            and usage.meter = pools_found.meter
            and usage.price_key = pools_found.price_key
            and usage.relief = pools_found.relief
            and usage.price_id = pools_found.price_id
),

usage_cumulated as (
    select
        *,
        coalesce(sum(quantity) over (
            partition by tenant_id, billing_month, meter, relief, pool_key
            order by segment_from, price_key, price_id
            rows between unbounded preceding and 1 preceding
        ), 0)::bigint as quantity_before,
    from pools_matched
)

select
    * exclude (quantity_before, pool_key, included_quantity),
    coalesce(included_quantity, 0)::bigint as order_pool_quantity,
    greatest(
        0, least(quantity, coalesce(included_quantity, 0) - quantity_before)
    )::bigint as drawn_quantity,
from usage_cumulated
