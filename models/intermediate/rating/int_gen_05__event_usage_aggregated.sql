-- GEN-05, GEN-01: event meters summed per tenant and month, every record in one group.
-- Grain: source x tenant x month x meter x price key x segment x fate x reason. Only months
-- touched since the last build are summed again, so the cost follows what is new.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_touched_months(this) }}",
) }}

with boundaries as (
    select * from {{ ref('int_gen_06__price_boundaries') }}
),

{% set metered = [
    'int_kiq__usage_metered', 'int_trw__usage_metered', 'int_voi__legs_metered',
    'int_voi_04__recordings_metered', 'int_voi_04__transcriptions_metered',
    'int_msg__usage_metered',
] %}
usage_united as (
    {% for model in metered %}
    select
        source, tenant_id, billing_month, occurred_at, meter, price_key, quantity,
        metered_fate, reason, relief, clause_id, raw_rows,
    from {{ ref(model) }}
    {{ where_month_touched('billing_month') }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    usage_united.source,
    usage_united.tenant_id,
    usage_united.billing_month,
    usage_united.meter,
    usage_united.price_key,
    coalesce(boundaries.segment_from, cast(usage_united.billing_month as timestamp))
        as segment_from,
    usage_united.metered_fate,
    usage_united.reason,
    usage_united.relief,
    usage_united.clause_id,
    sum(usage_united.quantity)::bigint as quantity,
    count(*)::bigint as unit_count,
    sum(usage_united.raw_rows)::bigint as raw_rows,
from usage_united
left join boundaries
    on
        usage_united.tenant_id = boundaries.tenant_id
        and usage_united.meter = boundaries.meter
        and usage_united.billing_month = boundaries.billing_month
        and usage_united.occurred_at >= boundaries.segment_from
        and usage_united.occurred_at < boundaries.segment_until
group by all
