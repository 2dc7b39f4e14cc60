-- Every price with its derived interval and notice rule: price book and WhatsApp cards.
-- Grain: price. Note: a word price has no dates of its own; each tenant's renewal starts it (PRC-03).
with updates as (
    select * from {{ ref('int_prc_01__updates_effective') }}
),

card_rates as (
    select * from {{ ref('int_prc_02__card_rates_effective') }}
)

select
    price_id,
    meter,
    price_key,
    currency_code,
    unit_price,
    notice_rule,
    published_on,
    case when notice_rule != 'at_renewal' then effective_from end as effective_from,
    case when notice_rule != 'at_renewal' then effective_until end as effective_until,
    is_placeholder,
    clause_id,
    source,
from updates
union all
select
    card_id || '|' || market || '|' || category as price_id,
    'whatsapp_' || unit as meter,
    market || '|' || category as price_key,
    currency_code,
    unit_price,
    'next_month' as notice_rule,
    published_on,
    effective_from,
    effective_until,
    false as is_placeholder,
    'WAP-04' as clause_id,
    source,
from card_rates
