-- WAP-04: the vendor's fee on every priced WhatsApp unit, a separate component with its own history.
-- Grain: tenant x month x WhatsApp price key x fee version. An Order's price for the unit replaces card and
-- fee together. A fee of zero makes no line.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__usage_to_price') }}
    where meter in ('whatsapp_conversation', 'whatsapp_message') and relief = 'none' {{ and_moved() }}
),

prices as (
    select * from {{ ref('int_gen_06__prices_chosen') }}
    where price_origin = 'published' {{ and_moved() }}
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

fees_chosen as (
    select
        usage.tenant_id,
        usage.billing_month,
        usage.price_key,
        usage.quantity,
        case
            when order_prices.order_id is not null
                then 'order|' || order_prices.order_id || '|whatsapp_fee|'
                    || order_prices.unit_price::varchar
            else updates.price_id
        end as price_id,
        coalesce(order_prices.unit_price, updates.unit_price) as unit_price,
        case when order_prices.order_id is not null then 'order' else 'published' end
            as price_origin,
        coalesce(cast(order_prices.valid_from as date), updates.effective_from)
            as price_effective_from,
        order_prices.order_id is null and coalesce(updates.is_placeholder, false)
            as is_placeholder,
    from usage
    inner join prices
        on
            usage.tenant_id = prices.tenant_id
            and usage.billing_month = prices.billing_month
            and usage.meter = prices.meter
            and usage.price_key = prices.price_key
            and usage.segment_from = prices.segment_from
    inner join tenants on usage.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('usage') }}
    left join order_prices
        on
            usage.tenant_id = order_prices.tenant_id
            and order_prices.price_key in (usage.price_key, '')
            and {{ in_force('usage.segment_from', 'order_prices.valid_from', 'order_prices.valid_to') }}
    left join updates
        on
            {{ currency_of_month() }} = updates.currency_code
            and {{ in_force('usage.billing_month', 'updates.effective_from', 'updates.effective_until', "date '9999-12-31'") }}
    qualify
        row_number() over (
            partition by
                usage.tenant_id, usage.billing_month, usage.meter, usage.price_key,
                usage.segment_from
            order by
                order_prices.price_key desc nulls last,
                order_prices.valid_from desc,
                order_prices.order_id desc
        ) = 1
)

select
    tenant_id,
    billing_month,
    price_key,
    price_id,
    unit_price,
    price_origin,
    min(price_effective_from) as price_effective_from,
    bool_or(is_placeholder) as is_placeholder,
    unit_price is null as is_unrated,
    sum(quantity)::bigint as quantity,
from fees_chosen
group by tenant_id, billing_month, price_key, price_id, unit_price, price_origin
