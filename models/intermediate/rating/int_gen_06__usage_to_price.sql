-- GEN-06: all countable usage, event meters and state meters together, ready to be priced.
-- Grain: tenant x month x meter x price key x segment x relief.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

-- Built after the model that records which tenant months moved.
-- depends_on: {{ ref('int_gen_05__tenant_months_fingerprinted') }}
with event_usage as (
    select * from {{ ref('int_gen_05__event_usage_aggregated') }} {{ where_moved() }}
),

state_usage as (
    select * from {{ ref('int_gen_05__state_usage_aggregated') }} {{ where_moved() }}
),

usage_united as (
    select * from event_usage
    union all
    select * from state_usage
)

select
    tenant_id,
    billing_month,
    meter,
    price_key,
    segment_from,
    relief,
    min(clause_id) as clause_id,
    sum(quantity)::bigint as quantity,
    sum(unit_count)::bigint as unit_count,
    sum(raw_rows)::bigint as raw_rows,
from usage_united
where metered_fate = 'countable'
group by tenant_id, billing_month, meter, price_key, segment_from, relief
