-- One sentence of arithmetic per draft line: quantity, what was included, the price and the reason for it,
-- pool or storage limit, clause; for a correction also what had been invoiced.
-- Grain: invoice line not yet closed.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with lines as (
    select * from {{ ref('int_gen_12__lines_drafted') }} {{ where_moved() }}
),

meters as (
    select * from {{ ref('meters') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

price_reasons as (
    select * from {{ ref('int_gen_06__price_reasons') }}
),

pools as (
    select * from {{ ref('int_wap_05__pools_granted') }}
),

pool_draws as (
    select
        tenant_id,
        billing_month,
        sum(draw_count)::bigint as asked_quantity,
        (sum(draw_count) filter (where is_pooled))::bigint as pooled_quantity,
    from {{ ref('int_wap_06__draws_counted') }}
    group by tenant_id, billing_month
),

storage as (
    select * from {{ ref('int_sto__usage_metered') }}
    where metered_fate = 'countable'
),

parts_worded as (
    select
        lines.line_id,
        lines.tenant_id,
        lines.billing_month,
        case
            when lines.charge_class = 'correction'
                then 'Correction for ' || strftime(lines.usage_month, '%Y-%m')
                    || ': recomputed ' || lines.recomputed_quantity || ' ('
                    || lines.currency_code || ' ' || {{ billed_text('lines.recomputed_amount', 'currencies.minor_unit') }}
                    || '), previously invoiced ' || lines.invoiced_quantity || ' ('
                    || lines.currency_code || ' ' || {{ billed_text('lines.invoiced_amount', 'currencies.minor_unit') }}
                    || '), so ' || lines.pricing_quantity || ' at '
                    || lines.currency_code || ' ' || {{ money_text('lines.unit_price') }} || ': '
                    -- A difference of rounded amounts, which need not equal quantity times price (GEN-09).
                    || {{ billed_text('lines.recomputed_amount', 'currencies.minor_unit') }} || ' - '
                    || {{ billed_text('lines.invoiced_amount', 'currencies.minor_unit') }} || ' = '
                    || {{ billed_text('lines.billed_amount', 'currencies.minor_unit') }}
                    || case
                        when lines.corrects_invoice_number is not null
                            then '; corrects a line of invoice '
                                || lines.corrects_invoice_number
                        else ''
                    end
            else
                lines.consumed_quantity || ' ' || meters.unit
                || case
                    when lines.price_key != '' then ' (' || lines.price_key || ')'
                    else ''
                end
                || case
                    when lines.charge_category = 'included'
                        then ' covered by ' || replace(lines.price_id, '_', ' ')
                    when lines.included_quantity > 0
                        then ', less ' || lines.included_quantity || ' included'
                    else ''
                end
                || ': ' || lines.pricing_quantity || ' x ' || lines.currency_code
                || ' ' || {{ money_text('lines.unit_price') }} || ' = ' || {{ money_text('lines.rated_amount') }}
                || ', rounded to ' || {{ billed_text('lines.billed_amount', 'currencies.minor_unit') }}
                || case
                    when lines.corrects_invoice_number is not null
                        then '; credits a line of invoice ' || lines.corrects_invoice_number
                    else ''
                end
        end as arithmetic,
        '; price ' || lines.price_id || ' (' || lines.price_origin || ')'
        || case when lines.is_placeholder then ', a placeholder' else '' end
        || coalesce(': ' || price_reasons.price_reason, '') as price_sentence,
        case
            when
                starts_with(lines.meter, 'whatsapp_')
                and pools.pool_quantity is not null
                then '; pool of the month ' || pools.pool_quantity
                    || case
                        when pools.order_id is not null
                            then ' from Order ' || pools.order_id
                        when pools.plan_id is not null
                            then ' (' || pools.full_time_licences || ' licenses of '
                                || pools.plan_id || ')'
                        else ''
                    end
                    || ', ' || coalesce(pool_draws.asked_quantity, 0)
                    || ' user-initiated conversations, '
                    || coalesce(pool_draws.pooled_quantity, 0) || ' of them from the pool (WAP-06)'
            when storage.consumed_bytes is not null
                then '; ' || storage.consumed_bytes || ' bytes at month end, limit '
                    || storage.limit_bytes || ' (STO-03)'
            else ''
        end as limit_sentence,
        '; clause ' || lines.clause_id || '.' as clause_sentence,
    from lines
    left join meters on lines.meter = meters.meter
    left join currencies on lines.currency_code = currencies.currency_code
    left join price_reasons
        on
            lines.tenant_id = price_reasons.tenant_id
            and lines.usage_month = price_reasons.billing_month
            and lines.meter = price_reasons.meter
            and lines.price_key = price_reasons.price_key
            and lines.price_id = price_reasons.price_id
    left join pools
        on
            lines.tenant_id = pools.tenant_id
            and lines.usage_month = pools.billing_month
    left join pool_draws
        on
            lines.tenant_id = pool_draws.tenant_id
            and lines.usage_month = pool_draws.billing_month
    left join storage
        on
            lines.tenant_id = storage.tenant_id
            and lines.usage_month = storage.billing_month
            and lines.meter = storage.meter
)

select
    line_id,
    tenant_id,
    billing_month,
    arithmetic || price_sentence || limit_sentence || clause_sentence as explanation,
from parts_worded
