-- STO-06: since when a tenant is over a limit this month, and what would cure it.
-- Grain: tenant x meter x month in which it was over on some day. Each day is compared with the limit at
-- month end; an excess first seen on the last day is flagged and still billed. Note: environments are not
-- measured on the same days, so each counts with what it last held, as in the bill at month end.
with snapshots as (
    select * from {{ ref('int_gen_02__storage_snapshots_states') }} where is_current
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'kustomer' and account_kind = 'platform'
),

measured as (
    select * from {{ ref('int_sto__usage_metered') }}
    -- An unknown plan has no limit that could be exceeded.
    where metered_fate = 'countable' and not is_plan_unknown
),

last_of_day as (
    select
        org_id,
        environment_id,
        storage_meter || '_storage' as meter,
        cast(taken_at as date) as held_from,
        arg_max(bytes, taken_at) as bytes,
    from snapshots
    group by org_id, environment_id, storage_meter, cast(taken_at as date)
),

environments_held as (
    select
        *,
        lead(held_from) over (
            partition by org_id, environment_id, meter order by held_from
        ) as held_until,
    from last_of_day
),

tenants_held as (
    select
        accounts.tenant_id,
        environments_held.meter,
        environments_held.bytes,
        greatest(environments_held.held_from, cast(accounts.valid_from as date)) as held_from,
        least(environments_held.held_until, cast(accounts.valid_to as date)) as held_until,
    from environments_held
    inner join accounts on environments_held.org_id = accounts.account_id
),

moves as (
    select tenant_id, meter, held_from as moved_on, bytes
    from tenants_held
    where {{ ever_in_force('held_from', 'held_until') }}
    union all
    select tenant_id, meter, held_until as moved_on, -bytes
    from tenants_held
    where held_until > held_from
    union all
    -- Nothing moves on the first of a month; this row shows what was already held on that day.
    select tenant_id, meter, billing_month as moved_on, 0 from measured
),

tenant_days as (
    select
        tenant_id,
        meter,
        moved_on as day,
        sum(sum(bytes)) over (partition by tenant_id, meter order by moved_on)::bigint as bytes,
    from moves
    group by tenant_id, meter, moved_on
)

select
    measured.tenant_id,
    measured.billing_month,
    measured.meter,
    min(tenant_days.day) as first_day_over,
    any_value(measured.limit_bytes) as limit_bytes,
    any_value(measured.consumed_bytes) as level_bytes,
    any_value(measured.quantity) as blocks_to_buy,
    any_value(measured.quantity) = 0 as is_cured,
    min(tenant_days.day) = {{ next_month('measured.billing_month') }} - 1
        as is_first_seen_on_last_day,
from measured
inner join tenant_days
    on
        measured.tenant_id = tenant_days.tenant_id
        and measured.meter = tenant_days.meter
        and measured.billing_month = {{ billing_month('tenant_days.day') }}
        and tenant_days.bytes > measured.limit_bytes
group by measured.tenant_id, measured.billing_month, measured.meter
