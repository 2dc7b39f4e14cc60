-- GEN-06: unit prices an Order sets, one per tenant, meter, key and instant.
-- Grain: Order term. Note: an override without a price key covers every key of its meter, but one with the
-- key takes precedence. Among equals the latest start decides, then the order id.
with terms as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where rejection is null and override_field = 'unit_price'
)

select
    order_id,
    tenant_id,
    meter,
    price_key,
    cast(override_value as decimal(18, 8)) as unit_price,
    valid_from,
    valid_to,
from terms
