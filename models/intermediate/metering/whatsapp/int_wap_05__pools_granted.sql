-- WAP-05, WAP-07: the pool of included conversations of each tenant and month.
-- Grain: tenant x month with WhatsApp units or windows. Note: the plan and licences last in force in the
-- month decide, without proration. Of several rows, the one that lasted longest into the month counts, not
-- the one that began last; a row of zero length was never in force. What is left over lapses. An unknown plan
-- has no pool rather than a pool of 0, and blocks the month (GEN-06).
with units as (
    select * from {{ ref('int_wap_04__units_counted') }} where tenant_id is not null
),

windows as (
    select * from {{ ref('int_wap_08__windows_rebuilt') }}
),

subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }} where is_current
),

pool_sizes as (
    select * from {{ ref('int_wap_05__pool_sizes_effective') }}
),

overrides as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where
        rejection is null
        and meter = 'whatsapp_conversation'
        and override_field = 'included_quantity'
),

tenant_months as (
    select tenant_id, billing_month from units
    union
    select tenant_id, billing_month from windows
),

subscriptions_last as (
    {{ subscription_of_month('tenant_months') }}
),

overrides_last as (
    select
        tenant_months.tenant_id,
        tenant_months.billing_month,
        overrides.order_id,
        cast(overrides.override_value as bigint) as included_quantity,
    from tenant_months
    inner join overrides
        on
            tenant_months.tenant_id = overrides.tenant_id
            and {{ in_force_at_month_end('overrides.valid_from', 'overrides.valid_to', 'tenant_months.billing_month') }}
    qualify
        row_number() over (
            partition by tenant_months.tenant_id, tenant_months.billing_month
            order by overrides.valid_from desc, overrides.order_id desc
        ) = 1
)

select
    tenant_months.tenant_id,
    tenant_months.billing_month,
    subscriptions_last.plan_id,
    coalesce(subscriptions_last.full_time_licences, 0)::bigint as full_time_licences,
    overrides_last.order_id,
    coalesce(
        overrides_last.included_quantity,
        subscriptions_last.full_time_licences * pool_sizes.conversations_per_licence,
        0
    )::bigint as pool_quantity,
    coalesce(
        subscriptions_last.plan_id not in (select known.plan_id from pool_sizes as known),
        false
    )
    and overrides_last.order_id is null as is_plan_unknown,
    coalesce(pool_sizes.is_placeholder, false)
    and overrides_last.order_id is null as is_placeholder_pool,
from tenant_months
left join subscriptions_last
    on
        tenant_months.tenant_id = subscriptions_last.tenant_id
        and tenant_months.billing_month = subscriptions_last.billing_month
left join overrides_last
    on
        tenant_months.tenant_id = overrides_last.tenant_id
        and tenant_months.billing_month = overrides_last.billing_month
left join pool_sizes
    on
        subscriptions_last.plan_id = pool_sizes.plan_id
        and {{ in_force('tenant_months.billing_month', 'pool_sizes.effective_from', 'pool_sizes.effective_until', "date '9999-12-31'") }}
