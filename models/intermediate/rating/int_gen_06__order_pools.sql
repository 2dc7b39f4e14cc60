-- GEN-06: quantities an Order includes free of charge for a month, in absolute terms, for meters without a
-- pool or limit of their own (meters that have one read the override themselves).
-- Grain: tenant x meter x price key x interval.
with terms as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where rejection is null and override_field = 'included_quantity'
)

select
    order_id,
    tenant_id,
    meter,
    price_key,
    cast(override_value as bigint) as included_quantity,
    valid_from,
    valid_to,
from terms
where
    meter not in (
        'whatsapp_conversation', 'phone_number', 'data_storage', 'attachment_storage'
    )
