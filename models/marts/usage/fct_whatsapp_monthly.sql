-- WAP: WhatsApp conversations and messages by market and category, including those the pool covers.
-- Grain: tenant x month x meter x price key x price version x relief.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_05__usage_charged') }}
    where meter in ('whatsapp_conversation', 'whatsapp_message') {{ and_moved() }}
),

pools as (
    select * from {{ ref('int_wap_05__pools_granted') }}
)

select
    usage.tenant_id,
    usage.billing_month,
    usage.meter,
    usage.price_key,
    split_part(usage.price_key, '|', 1) as market,
    split_part(usage.price_key, '|', 2) as category,
    usage.price_id,
    usage.relief,
    coalesce(pools.pool_quantity, 0)::bigint as month_pool_quantity,
    usage.consumed_quantity,
    usage.consumed_unit,
    usage.included_quantity,
    usage.drawn_quantity,
    usage.overage_quantity,
    usage.unit_price,
    usage.currency_code,
    usage.rated_amount,
    usage.is_unrated,
from usage
left join pools
    on
        usage.tenant_id = pools.tenant_id
        and usage.billing_month = pools.billing_month
