-- GEN-06: every record of the event meters that waits for a price, by its own id and its account.
-- Grain: held record. Usage is read only in months in which a price is missing, and of these only in those
-- rated again or with new records.
-- depends_on: {{ ref('int_kiq__usage_metered') }}
-- depends_on: {{ ref('int_kiq_01__exchanges_completed') }}
-- depends_on: {{ ref('int_gen_02__conversations_states') }}
-- depends_on: {{ ref('int_gen_03__account_intervals') }}
-- depends_on: {{ ref('int_kiq_03__conversations_reopened') }}
-- depends_on: {{ ref('int_kiq_03__bases_in_force') }}
-- depends_on: {{ ref('int_gen_06__settings_effective') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved_or_touched(this) }}",
) }}

{% set chosen = ref('int_gen_06__prices_chosen') %}
{% set changed = is_moved_or_touched() | trim %}
with boundaries as (
    select * from {{ ref('int_gen_06__price_boundaries') }}
),

prices as (
    select *, 'none' as relief, 'countable' as metered_fate
    from {{ chosen }}
    where is_unrated {% if changed %}and {{ changed }}{% endif %}
),

usage_united as (
    {% for source_name, about in event_records().items() %}
    {% set months = months_unrated(chosen, about.meters, changed) %}
    select
        source, record_key, {{ about.account }} as account_id, tenant_id, billing_month,
        occurred_at, meter, price_key, quantity, raw_rows, relief, metered_fate,
    from {{ event_records_of(source_name, about, months) }}
    where
        metered_fate = 'countable' and relief = 'none'
        {{ in_months(months, none if source_name == 'kustomer_messages' else source_name) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

segments_found as (
    select
        usage_united.*,
        {{ segment_of('usage_united') }} as segment_from,
    from usage_united
    {{ join_segment('usage_united') }}
)

select
    segments_found.source,
    segments_found.record_key,
    segments_found.account_id,
    segments_found.tenant_id,
    segments_found.billing_month,
    segments_found.occurred_at,
    segments_found.meter,
    segments_found.quantity::bigint as quantity,
    'unrated' as reason,
    segments_found.raw_rows::bigint as raw_rows,
from segments_found
{{ join_price_alone('segments_found') }}
where prices.is_unrated
