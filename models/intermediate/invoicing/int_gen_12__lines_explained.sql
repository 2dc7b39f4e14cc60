-- One sentence of arithmetic per draft line, in words a customer's accountant knows: quantity, what was included, the
-- price and the reason for it, pool or storage limit, clause; for a correction also what had been invoiced. Grain:
-- invoice line not yet closed. Note: documents print it as it stands. Only lines that may draw on the pool mention it
-- (WAP-06).
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
        list(distinct meter) as drawing_meters,
        sum(draw_count)::bigint as asked_quantity,
        (sum(draw_count) filter (where is_pooled))::bigint as pooled_quantity,
    from {{ ref('int_wap_06__draws_counted') }}
    group by tenant_id, billing_month
),

categories as (
    select * from {{ ref('whatsapp_categories') }}
),

plan_contents as (
    select * from {{ ref('int_prc_04__plan_contents_effective') }}
),

storage as (
    select * from {{ ref('int_sto__usage_metered') }}
    where metered_fate = 'countable'
),

figures_worded as (
    select
        lines.*,
        coalesce(meters.unit, 'unit') as unit,
        case
            when lines.price_key != ''
                then ' (' || {{ price_key_text('lines.meter', 'lines.price_key') }} || ')'
            else ''
        end as key_words,
        lines.currency_code || ' '
        || {{ grouped_text('lines.unit_price', money_text('lines.unit_price')) }} as price,
        lines.currency_code || ' '
        || {{ grouped_text('lines.rated_amount', money_text('lines.rated_amount')) }} as rated,
        {% for name in ['billed', 'recomputed', 'invoiced'] %}
        {% set amount = 'lines.' ~ name ~ '_amount' %}
        {{ grouped_text(amount, billed_text(amount, 'currencies.minor_unit')) }} as {{ name }},
        {% endfor %}
    from lines
    left join meters on lines.meter = meters.meter
    left join currencies on lines.currency_code = currencies.currency_code
),

parts_worded as (
    select
        lines.line_id,
        lines.tenant_id,
        lines.billing_month,
        case
            when lines.charge_class = 'correction'
                then 'Correction of '
                    || coalesce('invoice ' || lines.corrects_invoice_number || ', ', '')
                    || 'usage of ' || strftime(lines.usage_month, '%B %Y') || lines.key_words || ': '
                    || {{ units_text('lines.recomputed_quantity', 'lines.unit') }}
                    || ' (' || lines.currency_code || ' ' || lines.recomputed || ') now counted, '
                    || {{ units_text('lines.invoiced_quantity', 'lines.unit') }}
                    || ' (' || lines.currency_code || ' ' || lines.invoiced
                    || ') invoiced before, a difference of '
                    || {{ units_text('lines.pricing_quantity', 'lines.unit') }} || ' at ' || lines.price
                    -- Of rounded amounts, which the quantity by the price need not give (GEN-09).
                    || ': ' || lines.recomputed || ' - ' || lines.invoiced || ' = '
                    || lines.currency_code || ' ' || lines.billed
            else
                case
                    when lines.charge_category = 'credit'
                        then 'Credit'
                            || coalesce(' of invoice ' || lines.corrects_invoice_number, '') || ': '
                    else ''
                end
                || {{ units_text('lines.consumed_quantity', 'lines.unit') }} || lines.key_words
                || case
                    when lines.charge_category != 'included' and lines.included_quantity > 0
                        then ', less ' || {{ count_text('lines.included_quantity') }}
                            || ' included by the Order'
                    else ''
                end
                || ': ' || {{ count_text('lines.pricing_quantity') }} || ' x ' || lines.price || ' = '
                || case
                    when lines.rated_amount = lines.billed_amount
                        then lines.currency_code || ' ' || lines.billed
                    else lines.rated || ', rounded to ' || lines.currency_code || ' ' || lines.billed
                end
        end as arithmetic,
        '; '
        || coalesce(
            price_reasons.price_reason,
            {{ price_origin_text('lines.price_origin', 'lines.price_id') }}
        )
        || case when lines.is_placeholder then '; the price is a placeholder' else '' end
            as price_sentence,
        case
            when
                {{ may_draw_on_pool('categories.initiated_by', "(lines.price_id = 'meta_free')") }}
                and pools.pool_quantity is not null
                and pool_draws.asked_quantity > 0
                and (
                    lines.meter = 'whatsapp_fee'
                    or list_contains(pool_draws.drawing_meters, lines.meter)
                )
                then '; the month''s pool of '
                    || {{ count_text('pools.pool_quantity') }} || ' included '
                    || {{ in_number("'conversation'", 'pools.pool_quantity') }}
                    || case
                        when pools.order_id is not null
                            then ' (by Order ' || pools.order_id || ')'
                        when pools.plan_id is not null
                            then ' (' || {{ units_text('pools.full_time_licences', "'license'") }}
                                || ' of the ' || coalesce(plan_contents.plan_name, pools.plan_id)
                                || ' plan)'
                        else ' (no subscription)'
                    end
                    || ' covered ' || {{ count_text('coalesce(pool_draws.pooled_quantity, 0)') }}
                    || ' of ' || {{ count_text('pool_draws.asked_quantity') }}
                    || ' user-initiated '
                    || {{ in_number("'conversation'", 'pool_draws.asked_quantity') }}
                    || ' (WAP-06)'
                    || case
                        when pools.is_placeholder_pool then '; the pool''s size is a placeholder' else ''
                    end
            when storage.consumed_bytes is not null
                then '; ' || {{ units_text('storage.consumed_bytes', "'byte'") }}
                    || ' at month end, limit ' || {{ units_text('storage.limit_bytes', "'byte'") }}
                    || ' (STO-03)'
                    || coalesce(
                        ', charged in blocks of ' || {{ units_text('storage.block_bytes', "'byte'") }}, ''
                    )
                    || case when storage.is_placeholder_limit then '; the limit is a placeholder' else '' end
                    || case
                        when storage.is_placeholder_block then '; the block size is a placeholder' else ''
                    end
            else ''
        end as limit_sentence,
        '; clause ' || lines.clause_id || '.' as clause_sentence,
    from figures_worded as lines
    left join price_reasons
        on
            lines.tenant_id = price_reasons.tenant_id
            and lines.usage_month = price_reasons.billing_month
            and lines.meter = price_reasons.meter
            and lines.price_key = price_reasons.price_key
            and lines.price_id = price_reasons.price_id
    left join categories on split_part(lines.price_key, '|', 2) = categories.category
    left join pools
        on
            lines.tenant_id = pools.tenant_id
            and lines.usage_month = pools.billing_month
    left join plan_contents
        on
            pools.plan_id = plan_contents.plan_id
            and {{ in_force_at_month_end('plan_contents.effective_from', 'plan_contents.effective_until', 'pools.billing_month') }}
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
