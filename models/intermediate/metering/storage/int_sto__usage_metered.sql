-- STO-01..05: blocks above the limit in the common form of all meters, and every other snapshot.
-- Grain: tenant x meter x month, held snapshot, or group of snapshots that decide nothing. Note: exactly at
-- the limit is 0 blocks, one byte over is a whole block. The last snapshot of an org that left its tenant
-- before month end decides nothing, but its fate is recorded here.
with levels as (
    select * from {{ ref('int_sto_01__tenant_levels') }}
),

limits as (
    select * from {{ ref('int_sto_03__limits_in_force') }}
),

blocks as (
    select * from {{ ref('int_prc_04__storage_blocks_effective') }}
),

snapshots as (
    select * from {{ ref('int_gen_02__storage_snapshots_states') }} where is_current
),

measured as (
    select * from {{ ref('int_sto_01__levels_measured') }} where has_snapshot_in_month
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'kustomer'
),

measured_for as (
    select
        measured.*,
        coalesce(accounts.account_kind, '') = 'platform' as is_counted,
    from measured
    left join accounts
        on
            measured.org_id = accounts.account_id
            and {{ in_force_at_month_end('accounts.valid_from', 'accounts.valid_to', 'measured.billing_month') }}
),

snapshots_left as (
    select
        accounts.tenant_id,
        accounts.account_kind,
        snapshots.record_key,
        snapshots.org_id,
        snapshots.taken_at,
        snapshots.storage_meter || '_storage' as meter,
        measured_for.org_id is not null as is_last_of_month,
        {{ is_storage_meter('snapshots.storage_meter') }} as is_meter_known,
    from snapshots
    left join accounts
        on
            snapshots.org_id = accounts.account_id
            and {{ in_force('snapshots.taken_at', 'accounts.valid_from', 'accounts.valid_to') }}
    left join measured_for
        on
            snapshots.org_id = measured_for.org_id
            and snapshots.environment_id = measured_for.environment_id
            and snapshots.storage_meter = measured_for.storage_meter
            and snapshots.taken_at = measured_for.taken_at
    where not coalesce(measured_for.is_counted, false)
),

snapshots_judged as (
    select
        *,
        {{ account_fate("case when is_meter_known then 'excluded' else 'quarantined' end") }}
            as metered_fate,
        {{ account_reason("case when not is_meter_known then 'unknown_storage_meter'
            when is_last_of_month then 'left_before_month_end'
            else 'not_month_end' end") }} as reason,
    from snapshots_left
),

-- What is held is traced snapshot by snapshot; the rest is only counted.
snapshots_grouped as (
    select
        case
            when metered_fate = 'quarantined' then record_key
            else
                coalesce(tenant_id, '') || '|' || meter
                || case when is_last_of_month then '|left' else '|other' end
        end as record_key,
        case when metered_fate = 'quarantined' then org_id end as org_id,
        tenant_id,
        {{ billing_month('taken_at') }} as billing_month,
        max(taken_at) as occurred_at,
        meter,
        metered_fate,
        reason,
        count(*)::bigint as raw_rows,
    from snapshots_judged
    group by all
)

select
    'storage_snapshots' as source,
    levels.tenant_id || '|' || levels.meter as record_key,
    cast(null as varchar) as org_id,
    levels.tenant_id,
    levels.billing_month,
    cast({{ next_month('levels.billing_month') }} as timestamp) - interval 1 microsecond
        as occurred_at,
    levels.meter,
    '' as price_key,
    {{ ceil_div(
        'greatest(0, levels.consumed_bytes - limits.limit_bytes)', 'blocks.block_bytes'
    ) }}::bigint as quantity,
    'countable' as metered_fate,
    cast(null as varchar) as reason,
    'none' as relief,
    'STO-04' as clause_id,
    levels.raw_rows,
    levels.consumed_bytes,
    limits.limit_bytes,
    blocks.block_bytes,
    levels.is_stale or limits.is_seat_count_stale as is_stale,
    limits.is_plan_unknown,
    limits.is_placeholder_limit,
    coalesce(blocks.is_placeholder, false) as is_placeholder_block,
from levels
inner join limits
    on
        levels.tenant_id = limits.tenant_id
        and levels.meter = limits.meter
        and levels.billing_month = limits.billing_month
left join blocks
    on
        levels.meter = blocks.meter
        and {{ in_force_at_month_end('blocks.effective_from', 'blocks.effective_until', 'levels.billing_month') }}
union all
select
    'storage_snapshots' as source,
    record_key,
    org_id,
    tenant_id,
    billing_month,
    occurred_at,
    meter,
    '' as price_key,
    0::bigint as quantity,
    metered_fate,
    reason,
    'none' as relief,
    'STO-02' as clause_id,
    raw_rows,
    cast(null as bigint) as consumed_bytes,
    cast(null as bigint) as limit_bytes,
    cast(null as bigint) as block_bytes,
    false as is_stale,
    false as is_plan_unknown,
    false as is_placeholder_limit,
    false as is_placeholder_block,
from snapshots_grouped
