-- PRC-01..04: every price update with its publication and the day its notice ends.
-- Grain: price update. Note: word prices (at_renewal) start per tenant, so an update does not end another one
-- of the same day here; PRC-03 chooses among them.
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
)

select * from dated
