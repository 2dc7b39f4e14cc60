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
        price_effective_from, charge_category,
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
        when lines.price_origin = 'order'
            then 'the Order''s price, in force from ' || lines.price_effective_from
                || case
                    when prices.list_price_id is not null
                        then ', overrides the list price ' || {{ money_text('prices.list_unit_price') }}
                            || ' (' || prices.list_price_id || ')'
                    else ''
                end
                || ' (GEN-06)'
        when lines.charge_category = 'credit'
            then 'overturned, so what was billed is credited (PEN-02)'
        when lines.price_origin = 'passed_through'
            then 'passed through at cost (PEN-01)'
        when lines.price_origin = 'included'
            then 'deducted before pricing'
        else 'list price'
            || case
                when updates.published_on is not null
                    then ' published on ' || updates.published_on
                else ''
            end
            || ', in force from ' || lines.price_effective_from
            || ' (' || coalesce(notice_rules.clause_id, 'PRC-02') || ')'
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
