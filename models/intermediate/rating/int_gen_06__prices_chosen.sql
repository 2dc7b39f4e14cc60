-- GEN-06: the one price of each use: the Order's, else the published one, else none.
-- Grain: tenant x month x meter x price key x segment. Note: usage without a
-- price is "unrated", never priced at zero.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__usage_to_price') }} where relief = 'none' {{ and_moved() }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

order_prices as (
    select * from {{ ref('int_gen_06__order_prices') }}
),

list_prices as (
    select * from {{ ref('int_gen_06__list_prices') }} {{ where_moved() }}
),

orders_matched as (
    select
        usage.tenant_id,
        usage.billing_month,
        usage.meter,
        usage.price_key,
        usage.segment_from,
        order_prices.order_id,
        order_prices.unit_price,
        order_prices.valid_from,
    from usage
    inner join order_prices
        on
            usage.tenant_id = order_prices.tenant_id
            and usage.meter = order_prices.meter
            and order_prices.price_key in (usage.price_key, '')
            and {{ in_force('usage.segment_from', 'order_prices.valid_from', 'order_prices.valid_to') }}
    qualify
        row_number() over (
            partition by
                usage.tenant_id, usage.billing_month, usage.meter,
                usage.price_key, usage.segment_from
            order by
                order_prices.price_key desc,
                order_prices.valid_from desc,
                order_prices.order_id desc
        ) = 1
)

select
    usage.tenant_id,
    usage.billing_month,
    usage.meter,
    usage.price_key,
    usage.segment_from,
    {{ currency_of_month() }} as currency_code,
    case
        when orders_matched.order_id is not null
            then 'order|' || orders_matched.order_id || '|' || usage.meter || '|'
                || orders_matched.unit_price::varchar
        else list_prices.price_id
    end as price_id,
    coalesce(orders_matched.unit_price, list_prices.unit_price) as unit_price,
    case
        when orders_matched.order_id is not null then 'order'
        when list_prices.price_id is not null then 'published'
    end as price_origin,
    case
        when orders_matched.order_id is not null
            then cast(orders_matched.valid_from as date)
        else list_prices.effective_from
    end as price_effective_from,
    orders_matched.order_id is null and coalesce(list_prices.is_placeholder, false)
        as is_placeholder,
    coalesce(orders_matched.unit_price, list_prices.unit_price) is null as is_unrated,
    list_prices.price_id as list_price_id,
    list_prices.unit_price as list_unit_price,
from usage
inner join tenants on usage.tenant_id = tenants.tenant_id
{{ join_currency_invoiced('usage') }}
left join orders_matched
    on
        usage.tenant_id = orders_matched.tenant_id
        and usage.billing_month = orders_matched.billing_month
        and usage.meter = orders_matched.meter
        and usage.price_key = orders_matched.price_key
        and usage.segment_from = orders_matched.segment_from
left join list_prices
    on
        usage.tenant_id = list_prices.tenant_id
        and usage.billing_month = list_prices.billing_month
        and usage.meter = list_prices.meter
        and usage.price_key = list_prices.price_key
        and usage.segment_from = list_prices.segment_from
