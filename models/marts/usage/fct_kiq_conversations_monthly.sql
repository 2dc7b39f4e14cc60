-- KIQ: conversations under the contract's definition and, beside it, the narrower one.
-- Grain: tenant x month x meter x price key x price version x relief.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_05__usage_charged') }}
    where meter = 'kiq_conversation' {{ and_moved() }}
),

-- For a tenant invoiced by KIQ-03, conversations that only KIQ-01 counts are excluded with this reason.
definitions as (
    select
        tenant_id,
        billing_month,
        sum(unit_count)::bigint as kiq_01_quantity,
        coalesce(sum(kiq_03_count) filter (where metered_fate = 'countable'), 0)::bigint
            as kiq_03_quantity,
    from {{ ref('int_gen_05__event_usage_aggregated') }}
    where
        meter = 'kiq_conversation'
        and (metered_fate = 'countable' or reason = 'not_resolved_unassisted')
        {{ and_moved() }}
    group by tenant_id, billing_month
)

select
    usage.tenant_id,
    usage.billing_month,
    usage.meter,
    usage.price_key,
    usage.price_id,
    usage.relief,
    usage.consumed_quantity,
    usage.consumed_unit,
    definitions.kiq_01_quantity as month_kiq_01_quantity,
    definitions.kiq_03_quantity as month_kiq_03_quantity,
    usage.included_quantity,
    usage.drawn_quantity,
    usage.overage_quantity,
    usage.unit_price,
    usage.currency_code,
    usage.rated_amount,
    usage.is_unrated,
from usage
left join definitions
    on
        usage.tenant_id = definitions.tenant_id
        and usage.billing_month = definitions.billing_month
