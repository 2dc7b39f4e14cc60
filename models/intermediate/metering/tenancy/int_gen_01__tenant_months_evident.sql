-- GEN-01: the months in which each tenant is known to have been metered: usage that counts, storage or number
-- snapshots. One tenant's records never decide when another is first billed.
-- Grain: tenant x month.
with event_usage as (
    select * from {{ ref('int_gen_05__event_usage_aggregated') }}
    where metered_fate = 'countable'
),

storage_snapshots as (
    select * from {{ ref('int_gen_02__storage_snapshots_states') }} where is_current
),

number_snapshots as (
    select * from {{ ref('int_gen_02__number_snapshots_states') }}
    where is_current and snapshot_date is not null
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_kind = 'platform'
),

snapshots as (
    select 'kustomer' as account_system, org_id as account_id, occurred_at
    from storage_snapshots
    union all
    select 'twilio' as account_system, account_sid as account_id, occurred_at
    from number_snapshots
)

select tenant_id, billing_month from event_usage
union
select
    accounts.tenant_id,
    {{ billing_month('snapshots.occurred_at') }} as billing_month,
from snapshots
inner join accounts
    on
        snapshots.account_system = accounts.account_system
        and snapshots.account_id = accounts.account_id
        and {{ in_force('snapshots.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
