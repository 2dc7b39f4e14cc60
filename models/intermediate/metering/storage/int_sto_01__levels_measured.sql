-- STO-01, STO-02, STO-05: bytes each environment held at month end, sandboxes included.
-- Grain: org x environment x meter x month. Only the last snapshot counts, so an excess cured within the
-- month is gone. A snapshot older than 48 hours is stale and blocks the tenant's month, even in a month for
-- which every tenant's snapshots are missing.
with snapshots as (
    select * from {{ ref('int_gen_02__storage_snapshots_states') }}
    where is_current and {{ is_storage_meter('storage_meter') }}
),

evident as (
    select * from {{ ref('int_gen_01__tenant_months_evident') }}
),

-- The newest known month may still be running: it is measured once any snapshot of it exists. Every earlier
-- month is measured in any case.
bounds as (
    select
        (select {{ billing_month('min(taken_at)') }} from snapshots) as first_month,
        (select max(billing_month) from evident) as newest_month,
),

months as (
    select {{ billing_month('taken_at') }} as billing_month from snapshots
    union
    select cast(unnest(range(first_month, newest_month, interval 1 month)) as date)
        as billing_month,
    from bounds
),

last_of_month as (
    select
        org_id,
        environment_id,
        storage_meter,
        {{ billing_month('taken_at') }} as billing_month,
        max(taken_at) as taken_at,
        arg_max(bytes, taken_at) as bytes,
    from snapshots
    group by org_id, environment_id, storage_meter, {{ billing_month('taken_at') }}
),

environments as (
    select org_id, environment_id, storage_meter, min(billing_month) as first_month
    from last_of_month
    group by org_id, environment_id, storage_meter
),

levels_carried as (
    select
        environments.org_id,
        environments.environment_id,
        environments.storage_meter,
        months.billing_month,
        last_of_month.taken_at is not null as has_snapshot_in_month,
        last_value(last_of_month.taken_at ignore nulls) over month_order as taken_at,
        last_value(last_of_month.bytes ignore nulls) over month_order as bytes,
    from environments
    inner join months on environments.first_month <= months.billing_month
    left join last_of_month
        on
            environments.org_id = last_of_month.org_id
            and environments.environment_id = last_of_month.environment_id
            and environments.storage_meter = last_of_month.storage_meter
            and months.billing_month = last_of_month.billing_month
    window month_order as (
        partition by
            environments.org_id, environments.environment_id, environments.storage_meter
        order by months.billing_month
        rows between unbounded preceding and current row
    )
)

select
    *,
    storage_meter || '_storage' as meter,
    -- A deleted sandbox ends with 0 bytes and needs no snapshot after that.
    bytes > 0
    and taken_at < cast({{ next_month('billing_month') }} as timestamp) - interval 48 hour
        as is_stale,
from levels_carried
where has_snapshot_in_month or bytes > 0
