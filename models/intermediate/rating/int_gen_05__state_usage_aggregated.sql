-- GEN-05: meters that depend on a tenant's whole history (numbers, storage), in the same form as event usage.
-- They are small, so they are computed in full.
-- Grain: source x tenant x month x meter x price key x segment x fate x reason x relief.
with boundaries as (
    select * from {{ ref('int_gen_06__price_boundaries') }}
),

{% set metered = ['int_num__usage_metered', 'int_sto__usage_metered'] %}
usage_united as (
    {% for model in metered %}
    select
        source, tenant_id, billing_month, occurred_at, meter, price_key, quantity,
        metered_fate, reason, relief, clause_id, raw_rows,
    from {{ ref(model) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    usage_united.source,
    usage_united.tenant_id,
    usage_united.billing_month,
    usage_united.meter,
    usage_united.price_key,
    {{ segment_of('usage_united') }} as segment_from,
    usage_united.metered_fate,
    usage_united.reason,
    usage_united.relief,
    usage_united.clause_id,
    sum(usage_united.quantity)::bigint as quantity,
    count(*)::bigint as unit_count,
    sum(usage_united.raw_rows)::bigint as raw_rows,
    0::bigint as kiq_03_count,
from usage_united
{{ join_segment('usage_united') }}
group by all
