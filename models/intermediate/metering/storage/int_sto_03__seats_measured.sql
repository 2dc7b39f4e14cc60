-- STO-03: full-time users of a tenant at month end, from the last seat snapshot.
-- Grain: tenant x month. A snapshot older than 48 hours is stale (STO-02).
with snapshots as (
    select * from {{ ref('int_gen_02__seat_snapshots_states') }} where is_current
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
)

select
    accounts.tenant_id,
    last_of_month.billing_month,
    sum(last_of_month.full_time_users)::bigint as full_time_users,
    bool_or(
        last_of_month.taken_at
        < cast({{ next_month('last_of_month.billing_month') }} as timestamp)
        - interval 48 hour
    ) as is_stale,
from last_of_month
inner join accounts
    on
        last_of_month.org_id = accounts.account_id
        and {{ in_force('last_of_month.taken_at', 'accounts.valid_from', 'accounts.valid_to') }}
group by accounts.tenant_id, last_of_month.billing_month
