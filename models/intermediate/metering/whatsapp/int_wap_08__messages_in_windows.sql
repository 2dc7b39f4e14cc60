-- WAP-08: user-initiated messages with the window they fall in and what the price book asks for
-- them in their month's currency: card plus fee, or the Order's price instead. A window draws on
-- the pool only if it has a priced message. A window relieves its own tenant's messages alone.
-- Grain: user-initiated message of the message era inside a window.
with messages as (
    select * from {{ ref('int_wap_04__units_mapped') }}
    where
        meter = 'whatsapp_message'
        and metered_fate = 'countable'
        and {{ may_draw_on_pool() }}
),

windows as (
    select * from {{ ref('int_wap_08__windows_rebuilt') }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

card_prices as (
    select * from {{ ref('int_prc_02__card_prices_chosen') }}
    where meter = 'whatsapp_message'
),

fees as (
    select * from {{ ref('int_prc_01__updates_effective') }} where meter = 'whatsapp_fee'
),

order_prices as (
    select
        *,
        -- GEN-06: the exact key first, then the latest start, then the greatest order id.
        price_key || chr(31) || valid_from::varchar || chr(31) || order_id as claim,
    from {{ ref('int_gen_06__order_prices') }}
    where meter in ('whatsapp_message', 'whatsapp_fee')
),

messages_keyed as (
    select
        messages.waba_id,
        messages.unit_id,
        messages.tenant_id,
        messages.billing_month,
        messages.occurred_at,
        messages.market || '|' || messages.category as price_key,
        windows.window_id,
        {{ currency_of_month() }} as currency_code,
    from messages
    inner join windows
        on
            messages.waba_id = windows.waba_id
            and messages.customer = windows.customer
            and messages.tenant_id = windows.tenant_id
            and messages.occurred_at >= windows.opened_at
            and messages.occurred_at < windows.closes_at
    inner join tenants on messages.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('messages') }}
)

select
    messages_keyed.waba_id,
    messages_keyed.unit_id,
    messages_keyed.window_id,
    coalesce(
        arg_max(order_prices.unit_price, order_prices.claim)
            filter (where order_prices.meter = 'whatsapp_message'),
        max(card_prices.unit_price) + coalesce(
            arg_max(order_prices.unit_price, order_prices.claim)
                filter (where order_prices.meter = 'whatsapp_fee'),
            max(fees.unit_price),
            0
        ),
        0
    )::decimal(18, 8) as asked_price,
from messages_keyed
left join card_prices
    on
        messages_keyed.billing_month = card_prices.billing_month
        and messages_keyed.price_key = card_prices.price_key
        and messages_keyed.currency_code = card_prices.currency_code
        and {{ in_force('cast(messages_keyed.occurred_at as date)', 'card_prices.effective_from', 'card_prices.effective_until', "date '9999-12-31'") }}
left join fees
    on
        messages_keyed.currency_code = fees.currency_code
        and {{ in_force('messages_keyed.billing_month', 'fees.effective_from', 'fees.effective_until', "date '9999-12-31'") }}
left join order_prices
    on
        messages_keyed.tenant_id = order_prices.tenant_id
        and order_prices.price_key in (messages_keyed.price_key, '')
        and {{ in_force('messages_keyed.occurred_at', 'order_prices.valid_from', 'order_prices.valid_to') }}
group by messages_keyed.waba_id, messages_keyed.unit_id, messages_keyed.window_id
