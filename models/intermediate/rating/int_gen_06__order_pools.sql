-- GEN-06: quantities an Order includes free of charge for a month, absolute, for meters whose
-- own rule grants no pool or limit (those read the override themselves).
-- Grain: tenant x meter x price key x interval.
with overrides as (
    select * from {{ ref('int_gen_02__order_overrides_states') }} where is_current
)

select
    order_id,
    tenant_id,
    meter,
    coalesce(price_key, '') as price_key,
    try_cast(override_value as bigint) as included_quantity,
    valid_from,
    valid_to,
from overrides
where
    override_field = 'included_quantity'
    and meter not in (
        'whatsapp_conversation', 'whatsapp_message', 'phone_number', 'data_storage',
        'attachment_storage', 'carrier_penalty'
    )
    and try_cast(override_value as bigint) >= 0
