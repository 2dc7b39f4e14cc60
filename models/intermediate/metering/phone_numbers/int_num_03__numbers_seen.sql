-- NUM-03: every number of the daily snapshots, when it was seen, and whether that matches the log.
-- Grain: account x vendor's id x spelling of a number. Note: most numbers are in one account, have one entry
-- in the log, and are in every snapshot from their first to their last; for these, the first day, last day
-- and day count decide. Comparing the numbers of two years day by day took 12 s of CPU (4 million snapshots);
-- this takes 0.8 s and leaves the few that differ.
{% set forever = "timestamp '9999-12-31'" %}

with intervals as (
    select * from {{ ref('int_num_01__number_intervals') }}
),

snapshots as (
    select account_sid, phone_number_sid, phone_number as written, snapshot_date
    from {{ ref('int_gen_02__number_snapshots_states') }}
    where is_current
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'twilio' and account_kind = 'platform'
),

numbers_written as (
    select
        account_sid,
        phone_number_sid,
        written,
        coalesce({{ written_as_e164('written') }}, written) as phone_number,
        count(snapshot_date) as seen_days,
        min(snapshot_date) as seen_from,
        max(snapshot_date) as seen_until,
    from snapshots
    group by account_sid, phone_number_sid, written
),

days_snapshotted as (
    select
        snapshot_date,
        row_number() over (order by snapshot_date) as day_number,
    from (select distinct snapshot_date from snapshots where snapshot_date is not null) as days
),

accounts_seen as (
    select account_sid, min(seen_from) as seen_from, max(seen_until) as seen_until
    from numbers_written
    group by account_sid
),

seen_once as (
    select * from numbers_written
    qualify count(*) over (partition by phone_number) = 1
),

logged_once as (
    select
        *,
        cast(added_at + interval 1 day - interval 1 microsecond as date) as first_whole_day,
        cast(coalesce(removed_at, {{ forever }}) - interval 1 day as date) as last_whole_day,
    from intervals
    qualify count(*) over (partition by phone_number) = 1
),

numbers_as_logged as (
    select seen_once.phone_number
    from seen_once
    inner join logged_once on seen_once.phone_number = logged_once.phone_number
    inner join accounts
        on
            seen_once.account_sid = accounts.account_id
            and logged_once.tenant_id = accounts.tenant_id
    inner join accounts_seen on seen_once.account_sid = accounts_seen.account_sid
    inner join days_snapshotted as first_seen on seen_once.seen_from = first_seen.snapshot_date
    inner join days_snapshotted as last_seen on seen_once.seen_until = last_seen.snapshot_date
    where
        accounts.valid_from <= logged_once.added_at
        and accounts.valid_to is null
        and seen_once.seen_days = last_seen.day_number - first_seen.day_number + 1
        and seen_once.seen_from >= cast(logged_once.added_at as date)
        and seen_once.seen_from <= greatest(logged_once.first_whole_day, accounts_seen.seen_from)
        and seen_once.seen_until < coalesce(logged_once.removed_at, {{ forever }})
        and seen_once.seen_until >= least(logged_once.last_whole_day, accounts_seen.seen_until)
)

select
    *,
    phone_number in (select as_logged.phone_number from numbers_as_logged as as_logged)
        as is_as_logged,
from numbers_written
