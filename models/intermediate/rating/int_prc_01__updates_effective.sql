-- PRC-01, PRC-04, PRC-05: every price of the price book with the dates it is in force.
-- Grain: price update that ever applies. Note: the interval is derived from publication and notice, never
-- typed in. Word prices (at_renewal) start per tenant, see PRC-03.
with dated as (
    select * from {{ ref('int_prc_01__updates_dated') }}
),

intervals_made as (
    {{ effective_intervals('dated', 'meter, price_key, currency_code') }}
)

select
    update_id as price_id,
    meter,
    price_key,
    currency_code,
    unit_price,
    notice_rule,
    published_on,
    effective_from,
    effective_until,
    withdrawn_on,
    is_placeholder,
    clause_id,
    source,
from intervals_made
