-- GEN-09: what someone must review and sign before a draft month is closed: tenants outside their own
-- history, tenants with no usage after some the month before, new prices, biggest movers, findings.
-- Grain: hold. Its id is derived from its facts: if they change, the signature no longer counts.
with lines as (
    select * from {{ ref('fct_invoice_lines') }} where charge_class is null
),

drafts as (
    select distinct billing_month
    from {{ ref('fct_invoices') }}
    where status = 'draft'
),

findings as (
    select * from {{ ref('rpt_findings') }}
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
    from {{ ref('fct_invoice_lines') }}
    where charge_class = 'correction'
    group by billing_month, tenant_id, usage_month, currency_code
),

new_prices as (
    select
        billing_month, meter, price_id, currency_code,
        count(distinct tenant_id)::bigint as tenant_count,
        sum(billed_amount)::decimal(18, 3) as billed_amount,
    from {{ ref('int_gen_12__lines_invoiced') }}
    where
        charge_category = 'usage'
        and price_origin != 'passed_through'
        and {{ billing_month('price_effective_from') }} = billing_month
    group by billing_month, meter, price_id, currency_code
),

limits as (
    select
        max(limit_value) filter (where hold = 'tenant_outside_history_percent') as percent,
        max(limit_value) filter (where hold = 'tenant_outside_history_amount') as amount,
        max(limit_value) filter (where hold = 'biggest_mover_amount') as mover_amount,
        max(limit_value) filter (where hold = 'biggest_mover_count') as mover_count,
    from {{ ref('hold_limits') }}
),

-- Without corrections, which belong to another month's usage.
tenant_months as (
    select
        tenant_id, usage_month as billing_month, currency_code,
        sum(billed_amount)::decimal(18, 3) as billed_amount,
    from lines
    group by tenant_id, usage_month, currency_code
),

compared as (
    select
        drafts.billing_month,
        history.tenant_id,
        history.currency_code,
        coalesce(
            max(history.billed_amount) filter (
                where history.billing_month = drafts.billing_month
            ), 0
        ) as billed_amount,
        bool_or(history.billing_month = drafts.billing_month) as has_lines,
        count(*) filter (where history.billing_month < drafts.billing_month)
            as months_before,
        coalesce(
            sum(history.billed_amount) filter (
                where history.billing_month < drafts.billing_month
            ), 0
        ) as amount_before,
        coalesce(
            max(history.billed_amount) filter (
                where {{ next_month('history.billing_month') }} = drafts.billing_month
            ), 0
        ) as amount_last,
        bool_or({{ next_month('history.billing_month') }} = drafts.billing_month)
            as had_lines,
    from drafts
    inner join tenant_months as history
        on
            drafts.billing_month >= history.billing_month
            and history.billing_month
            >= cast(drafts.billing_month - interval 3 month as date)
    group by drafts.billing_month, history.tenant_id, history.currency_code
),

movers as (
    select
        compared.*,
        row_number() over (
            partition by billing_month, currency_code
            order by abs(billed_amount - amount_last) desc, tenant_id
        ) as position_moved,
    from compared
    where months_before > 0
),

holds_united as (
    select
        compared.billing_month, 'tenant_outside_history' as hold, compared.tenant_id,
        compared.currency_code || ' ' || compared.billed_amount || ' against a total of '
        || compared.amount_before || ' in the ' || compared.months_before
        || ' month(s) before' as facts,
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
        'no lines, after ' || currency_code || ' ' || amount_last || ' the month before',
        'Check that the tenant''s extracts of the month have landed and are mapped to it.',
        false,
    from compared
    where had_lines and not has_lines
    union all
    select
        billing_month, 'new_price', null,
        meter || ' at ' || price_id || ': ' || tenant_count || ' tenant(s), '
        || currency_code || ' ' || billed_amount || ' billed',
        'Compare the price with its publication or Order before it is billed for the first time.',
        false,
    from new_prices
    where billing_month in (select drafts.billing_month from drafts)
    union all
    select
        movers.billing_month, 'biggest_mover', movers.tenant_id,
        movers.currency_code || ' ' || movers.billed_amount || ' after '
        || movers.amount_last || ' the month before',
        'Be ready to explain why before the tenant asks.',
        false,
    from movers
    cross join limits
    where
        movers.position_moved <= limits.mover_count
        and abs(movers.billed_amount - movers.amount_last) >= limits.mover_amount
    union all
    -- A correction that moves a closed month by as much is listed too, whatever its rank.
    select
        corrections.billing_month, 'biggest_mover', corrections.tenant_id,
        corrections.currency_code || ' ' || corrections.billed_amount
        || ' of corrections for ' || strftime(corrections.usage_month, '%Y-%m'),
        'Be ready to explain what came late, and why, before the tenant asks.',
        false,
    from corrections
    cross join limits
    where
        corrections.billing_month in (select drafts.billing_month from drafts)
        and abs(corrections.billed_amount) >= limits.mover_amount
    union all
    select
        drafts.billing_month, 'finding', findings.tenant_id,
        findings.finding || ': ' || findings.reason || ', '
        || sum(findings.record_count) || ' record(s), ' || count(*) || ' place(s)',
        'Follow the remedy in rpt_findings, or sign to waive it for this month.',
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
        || ', ' || count(*) || ' place(s)',
        'Follow the remedy in rpt_findings, or sign to waive it.',
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
