-- WAP-05, STO-03: the plan and licences of each tenant and month: those of the
-- subscription last in force in it.
-- Grain: tenant x month with usage or a subscription in force. Without a
-- subscription the plan is null and licences are 0.
with subscriptions as (
    select * from {{ ref('int_wap_05__subscriptions_by_month') }}
),

seats as (
    select * from {{ ref('int_sto_03__seats_measured') }}
),

tenant_months as (
    select tenant_id, billing_month from subscriptions
    union
    select tenant_id, billing_month from {{ ref('fct_usage_monthly') }}
    union
    select tenant_id, billing_month from {{ ref('fct_storage_monthly') }}
    union
    select tenant_id, billing_month from {{ ref('fct_whatsapp_pools_monthly') }}
)

select
    tenant_months.tenant_id,
    tenant_months.billing_month,
    subscriptions.plan_id,
    coalesce(subscriptions.full_time_licences, 0)::bigint as full_time_licences,
    coalesce(subscriptions.is_in_force_at_month_end, false) as is_in_force_at_month_end,
    subscriptions.term_start,
    subscriptions.term_months,
    -- STO-02: a count carried forward from a stale snapshot, or without an org's users, is not known.
    case
        when not seats.is_stale and not seats.has_org_without_seats
            then seats.full_time_users
    end as full_time_users,
from tenant_months
left join subscriptions
    on
        tenant_months.tenant_id = subscriptions.tenant_id
        and tenant_months.billing_month = subscriptions.billing_month
left join seats
    on
        tenant_months.tenant_id = seats.tenant_id
        and tenant_months.billing_month = seats.billing_month
