-- All meters in one long table, for questions across services.
-- Grain: tenant x month x meter x currency. A second currency occurs if a fine is
-- credited in the currency it was billed in.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_05__usage_charged') }} {{ where_moved() }}
),

blocked as (
    select distinct tenant_id, billing_month
    from {{ ref('int_gen_06__tenant_months_blocked') }} {{ where_moved() }}
),

lines as (
    select * from {{ ref('int_gen_07__lines_rated') }}
    where meter in ('carrier_penalty', 'whatsapp_fee') {{ and_moved() }}
),

meters_united as (
    select
        tenant_id,
        billing_month,
        meter,
        consumed_unit,
        currency_code,
        sum(consumed_quantity)::bigint as consumed_quantity,
        sum(included_quantity)::bigint as included_quantity,
        sum(overage_quantity)::bigint as overage_quantity,
        sum(rated_amount)::decimal(36, 8) as rated_amount,
        bool_or(is_unrated) as is_unrated,
    from usage
    group by tenant_id, billing_month, meter, consumed_unit, currency_code
    union all
    select
        tenant_id,
        billing_month,
        meter,
        case when meter = 'whatsapp_fee' then 'unit' else 'notice' end as consumed_unit,
        currency_code,
        sum(consumed_quantity)::bigint as consumed_quantity,
        0::bigint as included_quantity,
        sum(pricing_quantity)::bigint as overage_quantity,
        sum(rated_amount)::decimal(36, 8) as rated_amount,
        false as is_unrated,
    from lines
    group by tenant_id, billing_month, meter, currency_code
)

select
    meters_united.*,
    blocked.tenant_id is not null as is_blocked,
from meters_united
left join blocked
    on
        meters_united.tenant_id = blocked.tenant_id
        and meters_united.billing_month = blocked.billing_month
