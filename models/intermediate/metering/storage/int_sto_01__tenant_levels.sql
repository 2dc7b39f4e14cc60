-- STO-01: bytes a tenant held at month end over all its environments, without netting of meters.
-- Grain: tenant x meter x month. Note: a month is measured at its last instant, so an org counts for the
-- tenant it belongs to then. An org that left before neither counts nor blocks the month.
with levels as (
    select * from {{ ref('int_sto_01__levels_measured') }}
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'kustomer' and account_kind = 'platform'
)

select
    accounts.tenant_id,
    levels.meter,
    levels.billing_month,
    sum(levels.bytes)::bigint as consumed_bytes,
    bool_or(levels.is_stale) as is_stale,
    sum(case when levels.has_snapshot_in_month then 1 else 0 end)::bigint as raw_rows,
from levels
inner join accounts
    on
        levels.org_id = accounts.account_id
        and {{ in_force_at_month_end('accounts.valid_from', 'accounts.valid_to', 'levels.billing_month') }}
group by accounts.tenant_id, levels.meter, levels.billing_month
