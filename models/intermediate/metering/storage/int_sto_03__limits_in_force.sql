-- STO-03: the limit at month end: plan base, an amount per full-time user, and purchases.
-- Grain: tenant x meter x month. Note: the plan, seats and purchases are those of the month's last instant.
-- An Order's included quantity, in bytes, replaces the limit. An unknown plan has no limit rather than a
-- limit of 0, and blocks the month (GEN-06).
with levels as (
    select * from {{ ref('int_sto_01__tenant_levels') }}
),

subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }} where is_current
),

storage_limits as (
    select * from {{ ref('int_prc_04__storage_limits_effective') }}
),

seats as (
    select * from {{ ref('int_sto_03__seats_measured') }}
),

purchases as (
    select * from {{ ref('int_gen_02__storage_purchases_states') }} where is_current
),

overrides as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where rejection is null and override_field = 'included_quantity'
),

plans_in_force as (
    select
        levels.tenant_id,
        levels.meter,
        levels.billing_month,
        subscriptions.plan_id,
        subscriptions.plan_id not in (select known.plan_id from storage_limits as known)
            as is_plan_unknown,
        storage_limits.base_bytes,
        storage_limits.bytes_per_user,
        storage_limits.is_placeholder,
    from levels
    inner join subscriptions
        on
            levels.tenant_id = subscriptions.tenant_id
            and {{ in_force_at_month_end('subscriptions.valid_from', 'subscriptions.valid_to', 'levels.billing_month') }}
    left join storage_limits
        on
            subscriptions.plan_id = storage_limits.plan_id
            and levels.meter = storage_limits.meter
            and {{ in_force_at_month_end('storage_limits.effective_from', 'storage_limits.effective_until', 'levels.billing_month') }}
    qualify
        row_number() over (
            partition by levels.tenant_id, levels.meter, levels.billing_month
            order by subscriptions.valid_from desc, subscriptions.plan_id
        ) = 1
),

purchases_in_force as (
    select
        levels.tenant_id,
        levels.meter,
        levels.billing_month,
        sum(purchases.bytes)::bigint as purchased_bytes,
    from levels
    inner join purchases
        on
            levels.tenant_id = purchases.tenant_id
            and levels.meter in (purchases.meter, purchases.meter || '_storage')
            and {{ in_force_at_month_end('purchases.valid_from', 'purchases.valid_to', 'levels.billing_month') }}
    group by levels.tenant_id, levels.meter, levels.billing_month
),

overrides_in_force as (
    select
        levels.tenant_id,
        levels.meter,
        levels.billing_month,
        arg_max(
            cast(overrides.override_value as bigint),
            overrides.valid_from::varchar || chr(31) || overrides.order_id
        ) as included_bytes,
    from levels
    inner join overrides
        on
            levels.tenant_id = overrides.tenant_id
            and levels.meter = overrides.meter
            and {{ in_force_at_month_end('overrides.valid_from', 'overrides.valid_to', 'levels.billing_month') }}
    group by levels.tenant_id, levels.meter, levels.billing_month
)

select
    levels.tenant_id,
    levels.meter,
    levels.billing_month,
    plans_in_force.plan_id,
    coalesce(seats.full_time_users, 0)::bigint as full_time_users,
    coalesce(seats.is_stale, plans_in_force.base_bytes is not null)
    or (
        plans_in_force.base_bytes is not null
        and coalesce(seats.has_org_without_seats, false)
    ) as is_seat_count_stale,
    coalesce(purchases_in_force.purchased_bytes, 0)::bigint as purchased_bytes,
    coalesce(
        overrides_in_force.included_bytes,
        coalesce(plans_in_force.base_bytes, 0)
        + coalesce(plans_in_force.bytes_per_user, 0) * coalesce(seats.full_time_users, 0)
        + coalesce(purchases_in_force.purchased_bytes, 0)
    )::bigint as limit_bytes,
    coalesce(plans_in_force.is_plan_unknown, false)
    and overrides_in_force.included_bytes is null as is_plan_unknown,
    coalesce(plans_in_force.is_placeholder, false)
    and overrides_in_force.included_bytes is null as is_placeholder_limit,
from levels
left join plans_in_force using (tenant_id, meter, billing_month)
left join purchases_in_force using (tenant_id, meter, billing_month)
left join overrides_in_force using (tenant_id, meter, billing_month)
left join seats
    on
        levels.tenant_id = seats.tenant_id
        and levels.billing_month = seats.billing_month
