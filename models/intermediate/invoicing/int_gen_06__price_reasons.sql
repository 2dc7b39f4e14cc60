-- GEN-06: why a line has its price: an Order that takes precedence over the list
-- price, or the list price and its notice rule.
-- Grain: tenant x month x meter x price key x price.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with lines as (
    select distinct
        tenant_id, billing_month, meter, price_key, price_id, price_origin,
        price_effective_from, charge_category, currency_code,
    from {{ ref('int_gen_12__lines_invoiced') }} {{ where_moved() }}
),

prices as (
    select
        tenant_id, billing_month, meter, price_key, price_id,
        min(list_price_id) as list_price_id,
        arg_min(list_unit_price, list_price_id) as list_unit_price,
    from {{ ref('int_gen_06__prices_chosen') }} {{ where_moved() }}
    group by tenant_id, billing_month, meter, price_key, price_id
),

updates as (
    select * from {{ ref('int_prc_01__updates_dated') }}
),

notice_rules as (
    select * from {{ ref('notice_rules') }}
)

select
    lines.tenant_id,
    lines.billing_month,
    lines.meter,
    lines.price_key,
    lines.price_id,
    case
        when lines.charge_category = 'credit'
            then 'the fine was overturned, so what was billed is credited (PEN-02)'
        when lines.price_origin = 'order'
            then {{ price_origin_text('lines.price_origin', 'lines.price_id') }}
                || ', in force from ' || lines.price_effective_from
                || coalesce(
                    ', instead of the list price of '
                    || lines.currency_code || ' '
                    || {{ grouped_text('prices.list_unit_price', money_text('prices.list_unit_price')) }},
                    ''
                )
                || ' (GEN-06)'
        when lines.price_origin = 'passed_through'
            then {{ price_origin_text('lines.price_origin', 'lines.price_id') }} || ' (PEN-01)'
        when lines.price_origin = 'included'
            then {{ price_origin_text('lines.price_origin', 'lines.price_id') }}
        when notice_rules.clause_id is not null
            then {{ price_origin_text('lines.price_origin', 'lines.price_id') }}
                || coalesce(' published on ' || updates.published_on, '')
                || ', in force from ' || lines.price_effective_from
                || ' (' || notice_rules.clause_id || ')'
        -- A category without a column on the card has the price of its group (WAP-04): the card's own is named.
        else 'price of the WhatsApp rate card'
            || case
                when {{ card_key('lines.price_id') }} != lines.price_key
                    then ' for ' || {{ price_key_text('lines.meter', card_key('lines.price_id')) }}
                else ''
            end
            || ', in force from ' || lines.price_effective_from || ' (PRC-02)'
    end as price_reason,
from lines
left join prices
    on
        lines.tenant_id = prices.tenant_id
        and lines.billing_month = prices.billing_month
        and lines.meter = prices.meter
        and lines.price_key = prices.price_key
        and lines.price_id = prices.price_id
left join updates on lines.price_id = updates.update_id
left join notice_rules on lines.meter = notice_rules.meter
qualify
    row_number() over (
        partition by
            lines.tenant_id, lines.billing_month, lines.meter, lines.price_key,
            lines.price_id
        order by lines.price_effective_from, lines.charge_category
    ) = 1
