-- PRC-02, PRC-05: every rate of every WhatsApp card with the dates it is in force.
-- Grain: card x market x category. Conversation cards and message cards succeed each other separately.
with cards as (
    select * from {{ ref('whatsapp_cards') }}
),

rates as (
    select * from {{ ref('whatsapp_card_rates') }}
),

dated as (
    select
        card_id as update_id,
        unit,
        currency_code,
        published_on,
        {{ effective_from("'next_month'", 'published_on', 'named_effective_on') }}
            as effective_from,
        withdrawn_on,
        source,
    from cards
),

cards_effective as (
    {{ effective_intervals('dated', 'unit, currency_code') }}
)

select
    cards_effective.update_id as card_id,
    cards_effective.unit,
    rates.market,
    rates.category,
    cards_effective.currency_code,
    rates.unit_price,
    cards_effective.published_on,
    cards_effective.effective_from,
    cards_effective.effective_until,
    cards_effective.source,
from cards_effective
inner join rates on cards_effective.update_id = rates.card_id
