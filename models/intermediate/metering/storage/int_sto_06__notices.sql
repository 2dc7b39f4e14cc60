-- STO-06: since when a tenant is over a limit this month, and what would cure it.
-- Grain: tenant x meter x month in which it was over on some day. Judged against the limit
-- of the month's end; first seen over on the last day is flagged and still billed.
with snapshots as (
    select * from {{ ref('int_gen_02__storage_snapshots_states') }} where is_current
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'kustomer' and account_kind = 'platform'
),

measured as (
    select * from {{ ref('int_sto__usage_metered') }} where metered_fate = 'countable'
),

daily_levels as (
    select
        accounts.tenant_id,
        snapshots.storage_meter || '_storage' as meter,
        cast(snapshots.taken_at as date) as taken_on,
        snapshots.org_id,
        snapshots.environment_id,
        arg_max(snapshots.bytes, snapshots.taken_at) as bytes,
    from snapshots
    inner join accounts
        on
            snapshots.org_id = accounts.account_id
            and {{ in_force('snapshots.taken_at', 'accounts.valid_from', 'accounts.valid_to') }}
    group by
        accounts.tenant_id, snapshots.storage_meter, cast(snapshots.taken_at as date),
        snapshots.org_id, snapshots.environment_id
),

tenant_days as (
    select tenant_id, meter, taken_on, sum(bytes)::bigint as bytes
    from daily_levels
    group by tenant_id, meter, taken_on
)

select
    measured.tenant_id,
    measured.billing_month,
    measured.meter,
    min(tenant_days.taken_on) as first_day_over,
    any_value(measured.limit_bytes) as limit_bytes,
    any_value(measured.consumed_bytes) as level_bytes,
    any_value(measured.quantity) as blocks_to_buy,
    any_value(measured.quantity) = 0 as is_cured,
    min(tenant_days.taken_on) = {{ next_month('measured.billing_month') }} - 1
        as is_first_seen_on_last_day,
from measured
inner join tenant_days
    on
        measured.tenant_id = tenant_days.tenant_id
        and measured.meter = tenant_days.meter
        and measured.billing_month = {{ billing_month('tenant_days.taken_on') }}
        and tenant_days.bytes > measured.limit_bytes
group by measured.tenant_id, measured.billing_month, measured.meter
