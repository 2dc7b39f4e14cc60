-- PRC-02, WAP-04: the rate-card prices of every market and category used in a month: one, or
-- two if a card names a start day inside it.
-- Grain: month x meter x price key x currency x card. Note: a category without a column on the card falls
-- back as the seed whatsapp_categories says, in two steps at most: authentication_international to
-- authentication, all of them to the side that opened the conversation.
with units as (
    select * from {{ ref('int_wap_04__units_counted') }} where metered_fate = 'countable'
),

card_rates as (
    select * from {{ ref('int_prc_02__card_rates_effective') }}
),

categories as (
    select * from {{ ref('whatsapp_categories') }}
),

markets_used as (
    select distinct billing_month, meter, market, category from units
),

keys_used as (
    select
        billing_month,
        meter,
        market || '|' || category as price_key,
        replace(meter, 'whatsapp_', '') as unit,
        market,
        category,
    from markets_used
),

fallbacks_listed as (
    select keys_used.*, keys_used.category as rate_category, 1 as preference
    from keys_used
    union all
    select keys_used.*, categories.fallback_category as rate_category, 2 as preference
    from keys_used
    inner join categories on keys_used.category = categories.category
    union all
    select keys_used.*, fallbacks.fallback_category as rate_category, 3 as preference
    from keys_used
    inner join categories on keys_used.category = categories.category
    inner join categories as fallbacks on categories.fallback_category = fallbacks.category
)

select
    fallbacks_listed.billing_month,
    fallbacks_listed.meter,
    fallbacks_listed.price_key,
    card_rates.currency_code,
    card_rates.card_id || '|' || card_rates.market || '|' || card_rates.category
        as price_id,
    card_rates.unit_price,
    false as is_placeholder,
    card_rates.effective_from,
    card_rates.effective_until,
from fallbacks_listed
inner join card_rates
    on
        fallbacks_listed.unit = card_rates.unit
        and fallbacks_listed.market = card_rates.market
        and fallbacks_listed.rate_category = card_rates.category
        and {{ overlaps_month('card_rates.effective_from', 'card_rates.effective_until', 'fallbacks_listed.billing_month') }}
qualify
    row_number() over (
        partition by
            fallbacks_listed.billing_month,
            fallbacks_listed.meter,
            fallbacks_listed.price_key,
            card_rates.currency_code,
            card_rates.card_id
        order by fallbacks_listed.preference
    ) = 1
