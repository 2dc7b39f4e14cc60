-- Who is billed: currency, payment methods and address.
-- Grain: tenant.
select
    tenant_id,
    tenant_name,
    currency_code,
    payment_method_id,
    whatsapp_payment_method_id,
    bill_to_name,
    bill_to_address,
    bill_to_country,
    reseller_id,
    is_described,
from {{ ref('int_gen_08__tenant_currencies') }}
