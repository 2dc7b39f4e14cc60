-- WAP-04: the vendor's fee on every priced WhatsApp unit, a component and history of its own.
-- Grain: tenant x month x WhatsApp price key. An Order's price for the unit replaces card and
-- fee together; a fee of zero makes no line.
with usage as (
    select * from {{ ref('int_gen_06__usage_by_price_version') }}
    where
        meter in ('whatsapp_conversation', 'whatsapp_message')
        and relief = 'none'
        and price_origin = 'published'
),

order_prices as (
    select * from {{ ref('int_gen_06__order_prices') }} where meter = 'whatsapp_fee'
),

updates as (
    select * from {{ ref('int_prc_01__updates_effective') }} where meter = 'whatsapp_fee'
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

quantities as (
    select
        tenant_id,
        billing_month,
        price_key,
        sum(quantity)::bigint as quantity,
    from usage
    group by tenant_id, billing_month, price_key
)

select
    quantities.*,
    case
        when order_prices.order_id is not null
            then 'order|' || order_prices.order_id || '|whatsapp_fee'
        else updates.price_id
    end as price_id,
    coalesce(order_prices.unit_price, updates.unit_price) as unit_price,
    case when order_prices.order_id is not null then 'order' else 'published' end
        as price_origin,
    coalesce(cast(order_prices.valid_from as date), updates.effective_from)
        as price_effective_from,
    order_prices.order_id is null and coalesce(updates.is_placeholder, false)
        as is_placeholder,
    coalesce(order_prices.unit_price, updates.unit_price) is null as is_unrated,
from quantities
inner join tenants on quantities.tenant_id = tenants.tenant_id
left join order_prices
    on
        quantities.tenant_id = order_prices.tenant_id
        and order_prices.price_key in (quantities.price_key, '')
        and order_prices.valid_from < {{ next_month('quantities.billing_month') }}
        and (
            order_prices.valid_to >= {{ next_month('quantities.billing_month') }}
            or order_prices.valid_to is null
        )
left join updates
    on
        tenants.currency_code = updates.currency_code
        and quantities.billing_month >= updates.effective_from
        and (
            quantities.billing_month < updates.effective_until
            or updates.effective_until is null
        )
qualify
    row_number() over (
        partition by quantities.tenant_id, quantities.billing_month, quantities.price_key
        order by
            order_prices.price_key desc nulls last,
            order_prices.valid_from desc,
            order_prices.order_id desc
    ) = 1
