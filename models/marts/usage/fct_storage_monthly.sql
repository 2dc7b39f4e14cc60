-- STO: storage held at month end against its limit, and the blocks charged above it.
-- Grain: tenant x month x meter. Note: an unknown plan has no limit rather than a limit of 0, and no excess;
-- the month is blocked (GEN-06).
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved(this) }}",
) }}

with measured as (
    select * from {{ ref('int_sto__usage_metered') }}
    where metered_fate = 'countable' {{ and_moved() }}
),

usage as (
    select * from {{ ref('int_gen_05__usage_charged') }}
    where meter in ('data_storage', 'attachment_storage') {{ and_moved() }}
)

select
    measured.tenant_id,
    measured.billing_month,
    measured.meter,
    measured.price_key,
    coalesce(usage.price_id, '') as price_id,
    measured.consumed_bytes,
    case when not measured.is_plan_unknown then measured.limit_bytes end as limit_bytes,
    measured.is_placeholder_limit,
    measured.block_bytes,
    measured.is_placeholder_block,
    case
        when not measured.is_plan_unknown
            then greatest(0, measured.consumed_bytes - measured.limit_bytes)
    end::bigint as excess_bytes,
    case when not measured.is_plan_unknown then measured.quantity end as overage_quantity,
    'block' as overage_unit,
    usage.unit_price,
    usage.currency_code,
    case when not measured.is_plan_unknown then usage.rated_amount end as rated_amount,
    measured.is_stale,
from measured
left join usage
    on
        measured.tenant_id = usage.tenant_id
        and measured.billing_month = usage.billing_month
        and measured.meter = usage.meter
