-- NUM-03: where the log and the daily snapshots differ: numbers that only one of them knows, days on which
-- only one of them has a number with its tenant, numbers that two tenants have at once.
-- Grain: number x tenant x reason, in E.164 on both sides. A finding, never a charge. Note: a day is compared
-- only if the log has the number for all of it or for none of it, and if its account has a snapshot of that
-- day. A third party's account says nothing about our numbers (GEN-04).
{% set forever = "timestamp '9999-12-31'" %}

with intervals as (
    select * from {{ ref('int_num_01__number_intervals') }}
),

snapshots as (
    select account_sid, phone_number as written, snapshot_date
    from {{ ref('int_gen_02__number_snapshots_states') }}
    where is_current
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'twilio' and account_kind = 'platform'
),

numbers_logged as (
    select phone_number, min(tenant_id) as tenant_id from intervals group by phone_number
),

numbers_written as (
    select * from {{ ref('int_num_03__numbers_seen') }}
),

numbers_seen as (
    select distinct phone_number from numbers_written
),

numbers_to_compare as (
    select distinct phone_number from numbers_written where not is_as_logged
),

-- Including every account in which one of their tenants could have them.
accounts_to_compare as (
    select account_id from accounts
    where tenant_id in (
        select intervals.tenant_id from intervals
        inner join numbers_to_compare on intervals.phone_number = numbers_to_compare.phone_number
    )
    union
    select account_sid from numbers_written
    where phone_number in (select listed.phone_number from numbers_to_compare as listed)
),

snapshots_to_compare as (
    select
        account_sid,
        coalesce({{ written_as_e164('written') }}, written) as phone_number,
        cast(snapshot_date as timestamp) as day_starts_at,
    from snapshots
    where account_sid in (select listed.account_id from accounts_to_compare as listed)
),

sightings_by_account as (
    select distinct
        accounts.tenant_id,
        snapshots.account_sid,
        snapshots.phone_number,
        snapshots.day_starts_at,
    from snapshots_to_compare as snapshots
    inner join accounts
        on
            snapshots.account_sid = accounts.account_id
            and {{ in_force('snapshots.day_starts_at', 'accounts.valid_from', 'accounts.valid_to') }}
),

account_days as (
    select distinct tenant_id, account_sid, day_starts_at from sightings_by_account
),

sightings as (
    select * from sightings_by_account
    where phone_number in (select listed.phone_number from numbers_to_compare as listed)
),

-- If a tenant has several accounts, only those that ever had the number can miss it.
homes as (
    select distinct tenant_id, account_sid, phone_number from sightings
),

numbers_with_home as (
    select distinct tenant_id, phone_number from homes
),

days_expected as (
    select distinct
        intervals.tenant_id,
        intervals.phone_number,
        account_days.day_starts_at,
    from intervals
    inner join numbers_to_compare
        on intervals.phone_number = numbers_to_compare.phone_number
    inner join account_days
        on
            intervals.tenant_id = account_days.tenant_id
            and intervals.added_at <= account_days.day_starts_at
            and coalesce(intervals.removed_at, {{ forever }})
            >= account_days.day_starts_at + interval 1 day
    left join homes
        on
            intervals.tenant_id = homes.tenant_id
            and intervals.phone_number = homes.phone_number
            and account_days.account_sid = homes.account_sid
    left join numbers_with_home
        on
            intervals.tenant_id = numbers_with_home.tenant_id
            and intervals.phone_number = numbers_with_home.phone_number
    where homes.tenant_id is not null or numbers_with_home.tenant_id is null
),

days_missing as (
    select
        days_expected.tenant_id,
        days_expected.phone_number,
        days_expected.day_starts_at,
        'number_missing_in_snapshots' as reason,
    from days_expected
    left join sightings
        on
            days_expected.tenant_id = sightings.tenant_id
            and days_expected.phone_number = sightings.phone_number
            and days_expected.day_starts_at = sightings.day_starts_at
    where sightings.tenant_id is null
),

days_unlogged as (
    select
        sightings.tenant_id,
        sightings.phone_number,
        sightings.day_starts_at,
        'number_not_active_in_log' as reason,
    from sightings
    inner join numbers_logged on sightings.phone_number = numbers_logged.phone_number
    left join intervals
        on
            sightings.tenant_id = intervals.tenant_id
            and sightings.phone_number = intervals.phone_number
            and sightings.day_starts_at + interval 1 day > intervals.added_at
            and sightings.day_starts_at < coalesce(intervals.removed_at, {{ forever }})
    where intervals.tenant_id is null
),

days_united as (
    select * from days_missing
    union all
    select * from days_unlogged
),

-- Each of the tenants gets the finding.
shared as (
    select
        intervals.tenant_id,
        intervals.phone_number,
        min(greatest(intervals.added_at, others.added_at)) as shared_from,
    from intervals
    inner join intervals as others
        on
            intervals.phone_number = others.phone_number
            and intervals.tenant_id != others.tenant_id
    where
        greatest(intervals.added_at, others.added_at) < least(
            coalesce(intervals.removed_at, {{ forever }}),
            coalesce(others.removed_at, {{ forever }})
        )
    group by intervals.tenant_id, intervals.phone_number
)

select
    coalesce(numbers_logged.phone_number, numbers_seen.phone_number) as phone_number,
    numbers_logged.tenant_id,
    case
        when numbers_seen.phone_number is null then 'number_not_in_snapshots'
        else 'number_not_in_log'
    end as reason,
    cast(null as date) as first_day,
    cast(null as bigint) as snapshot_days,
from numbers_logged
full outer join numbers_seen on numbers_logged.phone_number = numbers_seen.phone_number
where numbers_logged.phone_number is null or numbers_seen.phone_number is null
union all
select
    phone_number,
    tenant_id,
    reason,
    cast(min(day_starts_at) as date) as first_day,
    count(distinct day_starts_at) as snapshot_days,
from days_united
group by phone_number, tenant_id, reason
union all
select
    phone_number,
    tenant_id,
    'number_at_two_tenants' as reason,
    cast(shared_from as date) as first_day,
    cast(null as bigint) as snapshot_days,
from shared
