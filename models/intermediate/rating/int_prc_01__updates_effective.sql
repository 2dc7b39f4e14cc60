-- PRC-01, PRC-04, PRC-05: every price of the price book with the dates it is in force.
-- Grain: price update that ever applies. Trap: the interval is derived from publication and
-- notice, never typed in; word prices (at_renewal) start per tenant, see PRC-03.
with price_updates as (
    select * from {{ ref('price_updates') }}
),

notice_rules as (
    select * from {{ ref('notice_rules') }}
),

dated as (
    select
        price_updates.price_update_id as update_id,
        price_updates.meter,
        coalesce(price_updates.price_key, '') as price_key,
        price_updates.currency_code,
        price_updates.unit_price,
        notice_rules.notice_rule,
        greatest(price_updates.pricing_page_on, price_updates.billing_portal_on)
            as published_on,
        {{ effective_from(
            'notice_rules.notice_rule',
            'greatest(price_updates.pricing_page_on, price_updates.billing_portal_on)',
            'price_updates.named_effective_on'
        ) }} as effective_from,
        price_updates.withdrawn_on,
        price_updates.is_placeholder,
        price_updates.clause_id,
        price_updates.source,
    from price_updates
    inner join notice_rules on price_updates.meter = notice_rules.meter
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
