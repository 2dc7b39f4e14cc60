-- GEN-05, GEN-09: every metered record with its fate and the line it is on. A close keeps this as evidence,
-- and it explains a draft line down to its records.
-- Grain: metered record (per meter). A view: it costs nothing until it is queried.
{{ config(materialized='view') }}

{% set metered = [
    'int_kiq__usage_metered', 'int_trw__usage_metered', 'int_voi__legs_metered',
    'int_voi_04__recordings_metered', 'int_voi_04__transcriptions_metered',
    'int_msg__usage_metered', 'int_wap__usage_metered', 'int_num__usage_metered',
    'int_sto__usage_metered',
] %}
with usage as (
    {% for model in metered %}
    select
        source, record_key, tenant_id, billing_month, occurred_at, meter, price_key,
        quantity, metered_fate, reason, relief, clause_id, raw_rows,
    from {{ ref(model) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

boundaries as (
    select * from {{ ref('int_gen_06__price_boundaries') }}
),

prices as (
    select *, 'none' as relief, 'countable' as metered_fate
    from {{ ref('int_gen_06__prices_chosen') }}
),

pools_drawn as (
    select * from {{ ref('int_gen_06__order_pools_drawn') }} where relief = 'none'
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

-- A fine in a currency other than its tenant's month has no line (GEN-08).
penalties as (
    select
        * exclude (metered_fate, reason),
        case when is_unrated then 'quarantined' else metered_fate end as metered_fate,
        case when is_unrated then 'unrated' else reason end as reason,
    from {{ ref('int_gen_08__fines_in_currency') }}
),

segments_found as (
    select
        usage.*,
        {{ segment_of('usage') }} as segment_from,
    from usage
    {{ join_segment('usage') }}
),

priced as (
    select
        segments_found.*,
        prices.price_id,
        prices.unit_price,
        {{ currency_of_month() }} as currency_code,
        coalesce(prices.is_unrated, false) as is_unrated,
        {{ is_covered_by_order() }} as is_covered_by_order,
    from segments_found
    left join tenants on segments_found.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('segments_found') }}
    {{ join_price('segments_found') }}
),

fates_decided as (
    select
        *,
        {{ usage_fate() }} as fate,
        {{ usage_fate_reason() }} as fate_reason,
    from priced
)

select
    source,
    record_key,
    tenant_id,
    billing_month as usage_month,
    occurred_at,
    meter,
    price_key,
    quantity::bigint as quantity,
    fate,
    fate_reason,
    clause_id,
    raw_rows::bigint as raw_rows,
    case
        when fate in ('excluded', 'quarantined') or fate_reason = 'within_limit' then null
        when relief != 'none' then relief
        when is_covered_by_order then 'order_pool'
        else price_id
    end as price_id,
    case
        when fate in ('excluded', 'quarantined') or fate_reason = 'within_limit' then null
        when relief != 'none' or is_covered_by_order then 'included'
        else 'usage'
    end as charge_category,
    case
        when fate in ('excluded', 'quarantined') or fate_reason = 'within_limit' then null
        when relief != 'none' or is_covered_by_order then 0
        else unit_price
    end::decimal(18, 8) as unit_price,
    currency_code,
from fates_decided
union all
select
    penalties.source,
    penalties.record_key,
    penalties.tenant_id,
    penalties.billing_month as usage_month,
    penalties.occurred_at,
    penalties.meter,
    penalties.price_key,
    penalties.quantity::bigint as quantity,
    case
        when penalties.metered_fate = 'countable' then 'billed'
        else penalties.metered_fate
    end as fate,
    coalesce(penalties.reason, '') as fate_reason,
    penalties.clause_id,
    penalties.raw_rows::bigint as raw_rows,
    case
        when penalties.metered_fate = 'countable' then 'notice|' || penalties.price_key
    end as price_id,
    case
        when penalties.metered_fate != 'countable' then null
        when penalties.quantity < 0 then 'credit'
        else 'usage'
    end as charge_category,
    case
        when penalties.metered_fate = 'countable' then penalties.amount
    end::decimal(18, 8) as unit_price,
    penalties.currency_code,
from penalties
