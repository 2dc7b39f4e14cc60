-- GEN-09: what no issued invoice has billed, for the accrual of a month's end: usage on drafts, in tenant months that
-- are blocked (GEN-06), and in records that are held (GEN-05).
-- Grain: tenant x month of usage x meter x currency x state. Only drafted and blocked usage has an amount; tenant,
-- month, meter or currency is empty if it is not known.
with lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

drafts as (
    select invoice_id from {{ ref('fct_invoices') }} where status = 'draft'
),

rated as (
    select * from {{ ref('int_gen_07__lines_rated') }}
),

blocked as (
    select * from {{ ref('int_gen_06__tenant_months_blocked') }}
),

fates as (
    select * from {{ ref('rpt_record_fates') }} where fate = 'quarantined'
),

meters as (
    select * from {{ ref('meters') }}
),

left_open as (
    select * from {{ ref('int_gen_09__tenant_months_left_open') }}
),

newest as (
    {{ newest_closing() }}
),

-- What is blocked in a month that is closed for its tenant was billed, or waits as a correction whose amount nobody
-- knows yet.
blocked_open as (
    select blocked.*
    from blocked
    cross join newest
    left join left_open
        on
            blocked.tenant_id = left_open.tenant_id
            and blocked.billing_month = left_open.billing_month
    where not {{ is_closed('blocked') }}
),

months_blocked as (
    select distinct tenant_id, billing_month from blocked_open
),

unbilled as (
    select
        lines.tenant_id,
        lines.usage_month,
        lines.meter,
        lines.currency_code,
        'drafted' as state,
        lines.billed_amount as unbilled_amount,
        lines.charge_class = 'correction' as is_correction,
        lines.is_placeholder_price,
        lines.raw_rows as record_count,
    from lines
    inner join drafts on lines.invoice_id = drafts.invoice_id
    union all
    select
        rated.tenant_id,
        rated.billing_month as usage_month,
        rated.meter,
        rated.currency_code,
        'blocked' as state,
        rated.billed_amount as unbilled_amount,
        false as is_correction,
        rated.is_placeholder as is_placeholder_price,
        rated.raw_rows as record_count,
    from rated
    inner join months_blocked
        on
            rated.tenant_id = months_blocked.tenant_id
            and rated.billing_month = months_blocked.billing_month
    union all
    select
        blocked_open.tenant_id,
        blocked_open.billing_month as usage_month,
        blocked_open.meter,
        cast(null as varchar) as currency_code,
        'unpriced' as state,
        cast(null as decimal(18, 3)) as unbilled_amount,
        false as is_correction,
        false as is_placeholder_price,
        blocked_open.raw_rows as record_count,
    from blocked_open
    union all
    select
        fates.tenant_id,
        fates.billing_month as usage_month,
        fates.meter,
        cast(null as varchar) as currency_code,
        'held' as state,
        cast(null as decimal(18, 3)) as unbilled_amount,
        false as is_correction,
        false as is_placeholder_price,
        fates.record_count,
    from fates
)

select
    coalesce(unbilled.tenant_id, '') as tenant_id,
    unbilled.usage_month,
    coalesce(meters.service, '') as service,
    unbilled.meter,
    coalesce(unbilled.currency_code, '') as currency_code,
    unbilled.state,
    sum(unbilled.unbilled_amount)::decimal(18, 3) as unbilled_amount,
    coalesce(sum(unbilled.unbilled_amount) filter (where unbilled.is_correction), 0)::decimal(18, 3)
        as correction_amount,
    coalesce(sum(unbilled.unbilled_amount) filter (where unbilled.is_placeholder_price), 0)::decimal(18, 3)
        as placeholder_amount,
    sum(unbilled.record_count)::bigint as record_count,
from unbilled
left join meters on unbilled.meter = meters.meter
group by
    coalesce(unbilled.tenant_id, ''), unbilled.usage_month, coalesce(meters.service, ''), unbilled.meter,
    coalesce(unbilled.currency_code, ''), unbilled.state
