-- GEN-06, GEN-07, TRW-02: usage grouped by price version, the grain of an invoice line.
-- Grain: tenant x month x meter x price key x price version x relief. Neighboring segments at one price are
-- one line. Words are computed here, once per version: ceil(characters / 5).
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__usage_to_price') }} {{ where_moved() }}
),

-- Only usage without relief is priced. Relief is a column here so that the join on both keys is a hash join.
prices as (
    select *, 'none' as relief from {{ ref('int_gen_06__prices_chosen') }} {{ where_moved() }}
),

usage_priced as (
    select
        usage.*,
        coalesce(prices.price_id, '') as price_id,
        prices.unit_price,
        prices.price_origin,
        prices.price_effective_from,
        coalesce(prices.is_placeholder, false) as is_placeholder,
        coalesce(prices.is_unrated, false) as is_unrated,
    from usage
    left join prices
        on
            usage.tenant_id = prices.tenant_id
            and usage.billing_month = prices.billing_month
            and usage.meter = prices.meter
            and usage.price_key = prices.price_key
            and usage.segment_from = prices.segment_from
            and usage.relief = prices.relief
)

select
    tenant_id,
    billing_month,
    meter,
    price_key,
    relief,
    price_id,
    unit_price,
    price_origin,
    is_unrated,
    min(price_effective_from) as price_effective_from,
    bool_or(is_placeholder) as is_placeholder,
    min(clause_id) as clause_id,
    min(segment_from) as segment_from,
    sum(quantity)::bigint as metered_quantity,
    case
        when meter = 'translated_word' then {{ ceil_div('sum(quantity)', 5) }}
        else sum(quantity)
    end::bigint as quantity,
    sum(unit_count)::bigint as unit_count,
    sum(raw_rows)::bigint as raw_rows,
from usage_priced
group by
    tenant_id, billing_month, meter, price_key, relief, price_id, unit_price,
    price_origin, is_unrated
