-- GEN-05, GEN-01: event meters summed per tenant and month, each record in exactly one group.
-- Grain: source x tenant x month x meter x price key x segment x fate x reason. Only months touched since the
-- last build are summed again, from the parts that hold them, so the cost follows what is new.
-- depends_on: {{ ref('int_kiq__usage_metered') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags=['large'],
    pre_hook="{{ forget_touched_months(this, event_records().keys() | list) }}",
) }}

with boundaries as (
    select * from {{ ref('int_gen_06__price_boundaries') }}
),

usage_united as (
    {% for source_name, about in event_records().items() %}
    select
        source, tenant_id, billing_month, occurred_at, meter, price_key, quantity,
        metered_fate, reason, relief, clause_id, raw_rows,
        {{ 'is_kiq_03' if source_name == 'kustomer_messages' else 'false as is_kiq_03' }},
    {% if source_name == 'kustomer_messages' %}
    {#- The same as its view, for the touched months alone: their conversations are searched near them. #}
    from ({{ kiq_usage(months_touched([source_name])) }})
    {{ where_month_touched(source_name, has_parts=false) }}
    {% else %}
    from {{ ref(about.model) }}
    {{ where_month_touched(source_name) }}
    {% endif %}
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
    count(*) filter (where usage_united.is_kiq_03)::bigint as kiq_03_count,
from usage_united
{{ join_segment('usage_united') }}
group by all
