-- WAP-05: the subscription last in force in each known month, whether or not anything was used in it.
-- Grain: tenant x month in which a subscription was in force. Note: open subscriptions run to the newest
-- known month and no further, because models have no clock.
with subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }} where is_current
),

months as (
    select * from {{ ref('int_gen_01__billing_months_seen') }}
),

tenants as (
    select distinct tenant_id from subscriptions
),

tenant_months as (
    select tenants.tenant_id, months.billing_month
    from tenants
    cross join months
)

{{ subscription_of_month('tenant_months') }}
