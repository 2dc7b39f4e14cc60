-- GEN-09: what someone must review and sign before a draft month is closed: tenants outside their own
-- history, tenants with no usage after some the month before, changed currencies, sources of which too little
-- landed, new prices, biggest movers, credit notes, placeholders, findings.
-- Grain: hold. Its id is derived from its facts: if they change, the signature no longer counts.
with lines as (
    select * from {{ ref('fct_invoice_lines') }} where charge_class is null
),

lines_drafted as (
    select * from {{ ref('int_gen_12__lines_drafted') }}
),

invoices_drafted as (
    select * from {{ ref('fct_invoices') }} where status = 'draft'
),

drafts as (
    select distinct billing_month from invoices_drafted
),

findings as (
    select * from {{ ref('rpt_findings') }}
),

-- A tenant month that waits has no lines; its finding is held, and says what it waits for.
blocked as (
    select distinct tenant_id, billing_month from {{ ref('int_gen_06__tenant_months_blocked') }}
),

feeds_missing as (
    select * from {{ ref('int_gen_09__feeds_missing') }}
),

new_prices as (
    select * from {{ ref('int_gen_09__prices_first_billed') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

entities as (
    select * from {{ ref('issuing_entities') }} where is_placeholder
),

-- What belongs to no month holds the next month to be closed for all, not the
-- earlier month of a tenant left out.
next_close as (
    select
        coalesce(
            min(drafts.billing_month) filter (
                where drafts.billing_month > newest.closed_until
            ),
            min(drafts.billing_month)
        ) as billing_month,
    from drafts
    cross join (
        {{ newest_closing() }}
    ) as newest
),

corrections as (
    select
        billing_month, tenant_id, usage_month, currency_code,
        sum(billed_amount)::decimal(18, 3) as billed_amount,
    from lines_drafted
    where charge_class = 'correction'
    group by billing_month, tenant_id, usage_month, currency_code
    having sum(billed_amount) != 0
),

-- Months that outweigh each other are looked at as well: each by itself may be large.
corrections_summed as (
    select
        corrections.billing_month,
        corrections.tenant_id,
        corrections.currency_code,
        currencies.minor_unit,
        sum(corrections.billed_amount)::decimal(18, 3) as billed_amount,
        greatest(
            abs(sum(corrections.billed_amount)), max(abs(corrections.billed_amount))
        ) as largest_amount,
        string_agg(
            strftime(corrections.usage_month, '%Y-%m') || ' '
            || {{ billed_text('corrections.billed_amount', 'currencies.minor_unit') }},
            ', ' order by corrections.usage_month
        ) as months_text,
    from corrections
    left join currencies on corrections.currency_code = currencies.currency_code
    group by
        corrections.billing_month, corrections.tenant_id, corrections.currency_code,
        currencies.minor_unit
),

placeholder_prices as (
    select
        billing_month, currency_code, price_id,
        sum(billed_amount)::decimal(18, 3) as billed_amount,
        row_number() over (
            partition by billing_month, currency_code
            order by abs(sum(billed_amount)) desc, price_id
        ) as position_billed,
    from lines_drafted
    where is_placeholder
    group by billing_month, currency_code, price_id
),

placeholders_summed as (
    select
        placeholder_prices.billing_month,
        placeholder_prices.currency_code,
        currencies.minor_unit,
        sum(placeholder_prices.billed_amount)::decimal(18, 3) as billed_amount,
        count(*) as price_count,
        string_agg(
            placeholder_prices.price_id, ', ' order by placeholder_prices.position_billed
        ) filter (where placeholder_prices.position_billed <= 3) as largest_text,
    from placeholder_prices
    left join currencies on placeholder_prices.currency_code = currencies.currency_code
    group by
        placeholder_prices.billing_month, placeholder_prices.currency_code,
        currencies.minor_unit
),

limits as (
    select
        max(limit_value) filter (where hold = 'tenant_outside_history_percent') as percent,
        max(limit_value) filter (where hold = 'tenant_outside_history_amount') as amount,
        max(limit_value) filter (where hold = 'biggest_mover_amount') as mover_amount,
        max(limit_value) filter (where hold = 'biggest_mover_count') as mover_count,
    from {{ ref('hold_limits') }}
),

-- Without corrections, which belong to another month's usage. The credit of a fine is not usage.
tenant_months as (
    select
        lines.tenant_id,
        lines.usage_month as billing_month,
        lines.currency_code,
        currencies.minor_unit,
        sum(lines.billed_amount)::decimal(18, 3) as billed_amount,
        bool_or(lines.charge_category is distinct from 'credit') as has_usage,
    from lines
    left join currencies on lines.currency_code = currencies.currency_code
    group by
        lines.tenant_id, lines.usage_month, lines.currency_code, currencies.minor_unit
),

usage_months as (
    select distinct tenant_id, billing_month from tenant_months where has_usage
),

-- Beside the last month with usage, however long ago.
currencies_used as (
    select
        tenant_id, billing_month, currency_code, minor_unit, billed_amount,
        lag(currency_code) over by_month as currency_before,
        lag(minor_unit) over by_month as minor_unit_before,
        lag(billed_amount) over by_month as amount_before,
    from tenant_months
    where has_usage
    window by_month as (partition by tenant_id order by billing_month, currency_code)
),

compared as (
    select
        drafts.billing_month,
        history.tenant_id,
        history.currency_code,
        history.minor_unit,
        coalesce(
            max(history.billed_amount) filter (
                where history.billing_month = drafts.billing_month
            ), 0
        ) as billed_amount,
        bool_or(history.has_usage and history.billing_month = drafts.billing_month)
            as has_usage,
        count(*) filter (where history.billing_month < drafts.billing_month)
            as months_before,
        coalesce(
            sum(history.billed_amount) filter (
                where history.billing_month < drafts.billing_month
            ), 0
        )::decimal(18, 3) as amount_before,
        coalesce(
            max(history.billed_amount) filter (
                where {{ next_month('history.billing_month') }} = drafts.billing_month
            ), 0
        ) as amount_last,
        bool_or(
            history.has_usage and {{ next_month('history.billing_month') }} = drafts.billing_month
        ) as had_usage,
    from drafts
    inner join tenant_months as history
        on
            drafts.billing_month >= history.billing_month
            and history.billing_month
            >= cast(drafts.billing_month - interval 3 month as date)
    left join blocked
        on
            history.tenant_id = blocked.tenant_id
            and drafts.billing_month = blocked.billing_month
    where blocked.tenant_id is null
    group by
        drafts.billing_month, history.tenant_id, history.currency_code, history.minor_unit
),

-- A tenant now billed in another currency has moved nothing in its old one.
compared_in_use as (
    select compared.*
    from compared
    left join usage_months
        on
            compared.tenant_id = usage_months.tenant_id
            and compared.billing_month = usage_months.billing_month
    where compared.has_usage or usage_months.tenant_id is null
),

-- After a month that waits nothing can be said of the move.
movers as (
    select
        compared_in_use.*,
        row_number() over (
            partition by compared_in_use.billing_month, compared_in_use.currency_code
            order by
                abs(compared_in_use.billed_amount - compared_in_use.amount_last) desc,
                compared_in_use.tenant_id
        ) as position_moved,
    from compared_in_use
    left join blocked
        on
            compared_in_use.tenant_id = blocked.tenant_id
            and compared_in_use.billing_month = {{ next_month('blocked.billing_month') }}
    where compared_in_use.months_before > 0 and blocked.tenant_id is null
),

holds_united as (
    select
        compared.billing_month, 'tenant_outside_history' as hold, compared.tenant_id,
        compared.currency_code || ' '
        || {{ billed_text('compared.billed_amount', 'compared.minor_unit') }} || ' against '
        || {{ billed_text('compared.amount_before', 'compared.minor_unit') }} || ' in the '
        || case
            when compared.months_before = 1 then 'month'
            else compared.months_before || ' months'
        end
        || ' before, without corrections' as facts,
        'Review the tenant''s lines: did it use this much, or does an extract repeat records?'
            as remedy,
        false as is_without_month,
    from compared
    cross join limits
    where
        compared.months_before > 0
        and compared.billed_amount * compared.months_before * 100
        >= compared.amount_before * limits.percent
        and compared.billed_amount * compared.months_before
        >= compared.amount_before + limits.amount * compared.months_before
    union all
    select
        billing_month, 'zero_usage_surprise', tenant_id,
        'no usage line, after ' || currency_code || ' '
        || {{ billed_text('amount_last', 'minor_unit') }} || ' the month before',
        'Check that the tenant''s extracts of the month have landed and are mapped to it.',
        false,
    from compared_in_use
    where had_usage and not has_usage
    union all
    select
        billing_month, 'currency_changed', tenant_id,
        currency_before || ' ' || {{ billed_text('amount_before', 'minor_unit_before') }}
        || ' to ' || currency_code || ' ' || {{ billed_text('billed_amount', 'minor_unit') }},
        'Check the tenant''s billing_currency with its Order: nothing is converted, and prices '
        || 'come from the price book of the new currency.',
        false,
    from currencies_used
    where
        currency_code != currency_before
        and billing_month in (select drafts.billing_month from drafts)
    union all
    select
        billing_month, 'feed_missing', null,
        source || ': ' || case when record_count = 0 then 'no' else record_count::varchar end
        || case when record_count in (0, 1) then ' record' else ' records' end || ', after '
        || record_count_before || ' the month before',
        'Check with the source that its extracts of the month are complete and have landed.',
        false,
    from feeds_missing
    union all
    select
        new_prices.billing_month, 'new_price', null,
        new_prices.meter || ' at ' || new_prices.price_id || ': ' || new_prices.tenant_count || ' '
        || {{ in_number("'tenant'", 'new_prices.tenant_count') }} || ', '
        || new_prices.currency_code || ' '
        || {{ billed_text('new_prices.billed_amount', 'currencies.minor_unit') }} || ' billed',
        'Compare the price with its publication or Order before it is billed for the first time.',
        false,
    from new_prices
    left join currencies on new_prices.currency_code = currencies.currency_code
    union all
    select
        billing_month, 'placeholder_price', null,
        currency_code || ' ' || {{ billed_text('billed_amount', 'minor_unit') }} || ' billed at '
        || price_count || ' placeholder '
        || {{ in_number("'price'", 'price_count') }} || ': ' || largest_text
        || case when price_count > 3 then ' and ' || (price_count - 3) || ' more' else '' end,
        'Put the agreed prices into seeds/terms/price_updates.csv, or sign that these are invoiced.',
        false,
    from placeholders_summed
    union all
    select distinct
        invoices_drafted.billing_month, 'placeholder_seller', null,
        entities.issuing_entity || ': ' || entities.seller_name || ' is a placeholder',
        'Put the company that issues into seeds/terms/issuing_entities.csv.',
        false,
    from invoices_drafted
    inner join entities on invoices_drafted.issuing_entity = entities.issuing_entity
    union all
    select
        movers.billing_month, 'biggest_mover', movers.tenant_id,
        movers.currency_code || ' '
        || {{ billed_text('movers.billed_amount', 'movers.minor_unit') }} || ' after '
        || {{ billed_text('movers.amount_last', 'movers.minor_unit') }} || ', without corrections',
        'Be ready to explain why before the tenant asks.',
        false,
    from movers
    cross join limits
    where
        movers.position_moved <= limits.mover_count
        and abs(movers.billed_amount - movers.amount_last) >= limits.mover_amount
    union all
    -- Corrections that move closed months by as much are listed too, whatever their rank.
    select
        corrections_summed.billing_month, 'biggest_mover', corrections_summed.tenant_id,
        corrections_summed.currency_code || ' '
        || {{ billed_text('corrections_summed.billed_amount', 'corrections_summed.minor_unit') }}
        || ' of corrections: ' || corrections_summed.months_text,
        'Be ready to explain what came late, and why, before the tenant asks.',
        false,
    from corrections_summed
    cross join limits
    where corrections_summed.largest_amount >= limits.mover_amount
    union all
    select
        billing_month, 'credit_note', tenant_id,
        invoice_id || ': ' || currency_code || ' ' || {{ billed_text('billed_amount', 'minor_unit') }},
        'Look at what its lines take back: below 0 it is issued as a credit note.',
        false,
    from invoices_drafted
    where billed_amount < 0
    union all
    select
        drafts.billing_month, 'finding', findings.tenant_id,
        findings.finding || ': ' || findings.reason || ', '
        || {{ units_text('sum(findings.record_count)', "'record'") }} || ', '
        || {{ units_text('count(*)', "'place'") }},
        -- One finding has one remedy; of several the first by the alphabet.
        min(findings.remedy) || ' Or sign to waive it for this month.',
        false,
    from drafts
    inner join findings
        on drafts.billing_month = findings.billing_month
    where findings.severity in ('error', 'warning')
    group by
        drafts.billing_month, findings.tenant_id, findings.finding, findings.reason
    union all
    -- A finding without a month stays signed once it is signed.
    select
        (select next_close.billing_month from next_close), 'finding', findings.tenant_id,
        findings.finding || ': ' || findings.reason
        || coalesce(', ' || findings.source, '') || coalesce(' ' || findings.file_name, '')
        || ', ' || {{ units_text('count(*)', "'place'") }},
        min(findings.remedy) || ' Or sign to waive it.',
        true,
    from findings
    where
        findings.billing_month is null
        and findings.severity in ('error', 'warning')
        and exists (select 1 from drafts)
    group by
        findings.tenant_id, findings.finding, findings.reason, findings.source,
        findings.file_name
)

select
    md5(
        concat_ws(
            '|',
            case when not is_without_month then billing_month end,
            hold, coalesce(tenant_id, ''), facts
        )
    ) as hold_id,
    billing_month,
    hold,
    tenant_id::varchar as tenant_id,
    facts,
    remedy,
from holds_united
