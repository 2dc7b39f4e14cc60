-- GEN-05: every metered record that is held, whatever holds it: its meter, its account, or a missing price.
-- Grain: held record (per meter). Numbers, storage and fines are few and computed in full.
with event_records as (
    select * from {{ ref('int_gen_05__event_records_held') }}
    union all
    select * from {{ ref('int_gen_06__event_records_unrated') }}
),

boundaries as (
    select * from {{ ref('int_gen_06__price_boundaries') }}
),

-- Only a missing price holds usage.
prices as (
    select *, 'none' as relief, 'countable' as metered_fate
    from {{ ref('int_gen_06__prices_chosen') }} where is_unrated
),

penalties as (
    select * from {{ ref('int_gen_08__fines_in_currency') }}
),

states as (
    select
        source, record_key, phone_number as account_id, tenant_id, billing_month,
        occurred_at, meter, price_key, quantity, metered_fate, reason, relief, raw_rows,
    from {{ ref('int_num__usage_metered') }}
    union all
    select
        source, record_key, org_id as account_id, tenant_id, billing_month,
        occurred_at, meter, price_key, quantity, metered_fate, reason, relief, raw_rows,
    from {{ ref('int_sto__usage_metered') }}
),

segments_found as (
    select
        states.*,
        {{ segment_of('states') }} as segment_from,
    from states
    {{ join_segment('states') }}
),

states_priced as (
    select
        segments_found.*,
        prices.unit_price,
        coalesce(prices.is_unrated, false) as is_unrated,
        false as is_covered_by_order,
    from segments_found
    {{ join_price_alone('segments_found') }}
),

fates_decided as (
    select
        source, record_key, account_id, tenant_id, billing_month, occurred_at, meter,
        quantity, raw_rows,
        {{ usage_fate() }} as fate,
        {{ usage_fate_reason() }} as reason,
    from states_priced
    union all
    select
        penalties.source, penalties.record_key, penalties.phone_number as account_id,
        penalties.tenant_id, penalties.billing_month, penalties.occurred_at, penalties.meter,
        penalties.quantity, penalties.raw_rows,
        case when penalties.is_unrated then 'quarantined' else penalties.metered_fate end
            as fate,
        case when penalties.is_unrated then 'unrated' else penalties.reason end as reason,
    from penalties
)

select
    source, record_key, account_id, tenant_id, billing_month, occurred_at, meter, quantity,
    reason, raw_rows,
from event_records
union all
select
    source, record_key, account_id, tenant_id, billing_month, occurred_at, meter,
    quantity::bigint as quantity, reason, raw_rows::bigint as raw_rows,
from fates_decided
where fate = 'quarantined'
