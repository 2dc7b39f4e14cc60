-- STO-03: full-time users of a tenant at month end, from the last seat snapshot of each org.
-- Grain: tenant x month. Note: an org's snapshot is carried forward until a later one replaces it, so that
-- the limit does not fall unnoticed; one older than 48 hours is stale (STO-02). An org counts for the tenant
-- it belongs to at the month's last instant. An org without users needs no snapshot. An org that holds bytes
-- but never had a snapshot counts no users and is flagged, because its users are unknown.
with snapshots as (
    select * from {{ ref('int_gen_02__seat_snapshots_states') }} where is_current
),

levels as (
    select * from {{ ref('int_sto_01__levels_measured') }}
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'kustomer' and account_kind = 'platform'
),

last_of_month as (
    select
        org_id,
        {{ billing_month('taken_at') }} as billing_month,
        max(taken_at) as taken_at,
        arg_max(full_time_users, taken_at) as full_time_users,
    from snapshots
    group by org_id, {{ billing_month('taken_at') }}
),

months as (
    select billing_month from levels
    union
    select billing_month from last_of_month
),

orgs as (
    select org_id, min(billing_month) as first_month
    from last_of_month
    group by org_id
),

seats_carried as (
    select
        orgs.org_id,
        months.billing_month,
        last_value(last_of_month.taken_at ignore nulls) over month_order as taken_at,
        last_value(last_of_month.full_time_users ignore nulls) over month_order
            as full_time_users,
    from orgs
    inner join months on orgs.first_month <= months.billing_month
    left join last_of_month
        on
            orgs.org_id = last_of_month.org_id
            and months.billing_month = last_of_month.billing_month
    window month_order as (
        partition by orgs.org_id
        order by months.billing_month
        rows between unbounded preceding and current row
    )
),

orgs_with_bytes as (
    select distinct org_id, billing_month from levels where bytes > 0
),

seats_known as (
    select
        org_id,
        billing_month,
        seats_carried.taken_at,
        seats_carried.full_time_users,
    from seats_carried
    full join orgs_with_bytes using (org_id, billing_month)
)

select
    accounts.tenant_id,
    seats_known.billing_month,
    coalesce(sum(seats_known.full_time_users), 0)::bigint as full_time_users,
    coalesce(
        bool_or(
            seats_known.full_time_users > 0
            and seats_known.taken_at
            < cast({{ next_month('seats_known.billing_month') }} as timestamp)
            - interval 48 hour
        ),
        false
    ) as is_stale,
    bool_or(seats_known.taken_at is null) as has_org_without_seats,
from seats_known
inner join accounts
    on
        seats_known.org_id = accounts.account_id
        and {{ in_force_at_month_end('accounts.valid_from', 'accounts.valid_to', 'seats_known.billing_month') }}
group by accounts.tenant_id, seats_known.billing_month
