-- GEN-08, GEN-12: each tenant's billing currency and payment methods.
-- Grain: tenant. A tenant missing from the tenants extract (seen only in the account map or number log) is
-- billed in USD, with a finding.
with tenants as (
    select * from {{ ref('int_gen_02__tenants_states') }} where is_current
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
),

number_events as (
    select * from {{ ref('int_gen_02__number_events_states') }} where is_current
),

tenants_seen as (
    select tenant_id from tenants
    union
    select tenant_id from accounts
    union
    select tenant_id from number_events
)

select
    tenants_seen.tenant_id,
    coalesce(tenants.tenant_name, tenants_seen.tenant_id) as tenant_name,
    upper(coalesce(tenants.billing_currency, 'USD')) as currency_code,
    coalesce(tenants.payment_method_id, 'default') as payment_method_id,
    coalesce(
        tenants.whatsapp_payment_method_id, tenants.payment_method_id, 'default'
    ) as whatsapp_payment_method_id,
    tenants.bill_to_name,
    tenants.bill_to_address,
    tenants.bill_to_country,
    tenants.reseller_id,
    tenants.tenant_id is not null as is_described,
from tenants_seen
left join tenants on tenants_seen.tenant_id = tenants.tenant_id
