-- GEN-05: the fate of every metered record: billed, included, zero-rated, excluded, held.
-- Grain: source x tenant x month x meter x fate x reason.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with event_usage as (
    select * from {{ ref('int_gen_05__event_usage_aggregated') }} {{ where_moved() }}
),

state_usage as (
    select * from {{ ref('int_gen_05__state_usage_aggregated') }} {{ where_moved() }}
),

-- Only countable usage without relief is priced.
prices as (
    select *, 'none' as relief, 'countable' as metered_fate
    from {{ ref('int_gen_06__prices_chosen') }} {{ where_moved() }}
),

pools_drawn as (
    select * from {{ ref('int_gen_06__order_pools_drawn') }} where relief = 'none' {{ and_moved() }}
),

penalties as (
    select * from {{ ref('int_gen_08__fines_in_currency') }} {{ where_moved() }}
),

usage_united as (
    select * from event_usage
    union all
    select * from state_usage
),

usage_priced as (
    select
        usage_united.*,
        prices.unit_price,
        coalesce(prices.is_unrated, false) as is_unrated,
        {{ is_covered_by_order() }} as is_covered_by_order,
    from usage_united
    {{ join_price('usage_united') }}
),

fates_decided as (
    select
        source, tenant_id, billing_month, meter, quantity, raw_rows,
        {{ usage_fate() }} as fate,
        {{ usage_fate_reason() }} as reason,
    from usage_priced
    union all
    select
        penalties.source, penalties.tenant_id, penalties.billing_month, penalties.meter,
        penalties.quantity, penalties.raw_rows,
        case
            when penalties.metered_fate != 'countable' then penalties.metered_fate
            when penalties.is_unrated then 'quarantined'
            else 'billed'
        end as fate,
        case
            when penalties.metered_fate != 'countable' then penalties.reason
            when penalties.is_unrated then 'unrated'
            else ''
        end as reason,
    from penalties
)

select
    source,
    tenant_id,
    billing_month,
    meter,
    fate,
    reason,
    sum(raw_rows)::bigint as record_count,
    sum(quantity)::bigint as quantity,
from fates_decided
group by source, tenant_id, billing_month, meter, fate, reason
