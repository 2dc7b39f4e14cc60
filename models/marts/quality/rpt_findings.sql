-- Everything that needs attention, with what to do: refused files and rows, held usage, pending fines,
-- blocked tenant months and missing prices, rejected Order terms (GEN-10), accounts given to two tenants, use
-- outside the plan, payments that cannot be matched, vendors' totals that differ, drafts that lack an address or
-- payment method.
-- Grain: finding.
with file_findings as (
    select * from {{ source('raw', 'file_findings') }}
),

quarantine as (
    select * from {{ source('raw', 'quarantine') }}
),

blocked as (
    select * from {{ ref('int_gen_06__tenant_months_blocked') }}
),

prices_missing as (
    select * from {{ ref('int_gen_06__prices_missing') }}
),

fates as (
    select * from {{ ref('rpt_record_fates') }}
),

held as (
    select * from {{ ref('rpt_records_held') }}
),

contract_rows as (
    select * from {{ ref('int_gen_06__contract_rows_rejected') }}
),

numbers as (
    select * from {{ ref('int_num_03__log_reconciled') }}
),

outside_plan as (
    select * from {{ ref('int_gen_03__use_outside_plan') }}
),

suspended as (
    select * from {{ ref('int_gen_11__use_while_suspended') }}
),

payments as (
    select * from {{ ref('int_gen_11__payments_misplaced') }}
),

fines as (
    select * from {{ ref('int_pen_02__fines_pending') }}
),

accounts as (
    select * from {{ ref('int_gen_03__accounts_contested') }}
),

vendors as (
    select * from {{ ref('int_gen_06__vendor_differences') }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

drafts as (
    select * from {{ ref('int_gen_12__drafts_incomplete') }}
),

units as (
    select * from {{ ref('int_wap_04__units_counted') }}
    where is_market_unknown and metered_fate = 'countable'
),

findings_united as (
    select
        'file_refused' as finding, 'error' as severity, source, file_name, row_number,
        field, null as tenant_id, null as billing_month, null as meter,
        null as price_key, reason, remedy, 1::bigint as record_count,
    from file_findings
    union all
    select
        'row_quarantined', 'warning', source, file_name, row_number, field, null, null,
        null, null, reason, remedy, 1::bigint,
    from quarantine
    union all
    select
        'tenant_month_blocked', 'error', null, null, null, null, tenant_id,
        billing_month, meter, price_key, reason,
        case
            when reason = 'unrated' then {{ remedy_of_unrated() }}
            when reason = 'stale_snapshot'
                then 'Deliver the storage and seat snapshots of the month''s last two days; '
                    || 'if the org no longer belongs to the tenant, end it in account_map.'
            when reason = 'unknown_plan'
                then 'Correct the plan in subscriptions, or add it with its limits and pool.'
            else 'Add the currency with its minor unit to seeds/reference/currencies.csv.'
        end,
        raw_rows,
    from blocked
    union all
    -- The rows above say which tenants wait; this says what would release them.
    select
        'price_missing', 'error', null, null, null, null, null, billing_month, meter,
        price_key, reason, {{ remedy_of_unrated() }}, raw_rows,
    from prices_missing
    union all
    select
        'usage_held', 'warning', source, null, null, null, nullif(tenant_id, ''),
        billing_month, meter, null,
        -- Who mends it must know which account it is.
        case
            when
                reason in ('unmapped_account', 'unknown_account_kind', 'unmapped_number')
                and account_id is not null
                then reason || ': ' || account_id
            else reason
        end,
        remedy, record_count,
    from held
    where reason != 'malformed_row'
    union all
    select
        'conflicting_states', 'warning', source, null, null, null,
        nullif(tenant_id, ''), billing_month, null, null,
        'states of one record differ, and no update time shows which is newer',
        'Ask the source which is right and have it delivered with a later update time.',
        record_count,
    from fates
    where fate = 'superseded' and reason = 'conflict'
    union all
    select
        finding, 'error', source, null, null, field, tenant_id, null, meter, price_key,
        reason, remedy, 1::bigint,
    from contract_rows
    union all
    select
        'number_log_differs', 'warning', 'number_events', null, null, 'phone_number',
        tenant_id, null, 'phone_number', null,
        reason || ': ' || phone_number
        || coalesce(', first on ' || first_day::varchar, ''),
        'Check the number with the vendor and correct the number event log.',
        -- Not part of the reason: one more day would invalidate the signature that waives it.
        coalesce(snapshot_days, 1),
    from numbers
    union all
    select
        'use_outside_plan', 'info', null, null, null, null, tenant_id, billing_month,
        meter, null, reason,
        'No action needed: the use is billed. Consider offering the plan that includes it.',
        record_count,
    from outside_plan
    union all
    select
        'use_while_suspended', 'info', null, null, null, null, tenant_id, billing_month,
        meter, null,
        'GEN-11: used during the suspension from ' || suspended_from::varchar || ' to '
        || coalesce(suspended_until::varchar, 'now'),
        'No action for the invoice: the use is billed. Find out why the service still worked.',
        record_count,
    from suspended
    union all
    -- What was paid changes no invoice (GEN-11), so only a date nobody can mean is a warning, which holds a close.
    select
        finding, severity, 'payments', null, null, field, tenant_id, billing_month, null,
        null, reason, remedy, 1::bigint,
    from payments
    union all
    -- Which fines are held, and their amounts; the warning above only says that there are some.
    select
        'fine_pending', 'info', 'carrier_penalties', null, null, null, tenant_id,
        billing_month, meter, price_key, reason,
        'No action: if upheld, the fine is billed in the month of the decision; if overturned, never.',
        raw_rows,
    from fines
    union all
    select
        'vendor_total_differs', severity, source, null, null, null, tenant_id,
        billing_month, meter, null, reason, remedy, differing_count,
    from vendors
    union all
    select
        'tenant_not_described', 'error', 'tenants', null, null, 'tenant_id', tenant_id,
        null, null, null, 'the tenant has accounts or numbers but is not in the tenants extract',
        'Deliver the tenant; until then it is billed in USD.', 1::bigint,
    from tenants
    where not is_described
    union all
    select
        'account_contested', 'error', 'account_map', null, null, 'tenant_id', tenant_id, null, null, null, reason,
        'Have the wrong row delivered again with its end at its beginning, or the right one with a later updated_at.',
        1::bigint,
    from accounts
    union all
    select
        finding, 'warning', 'tenants', null, null, field, tenant_id, billing_month, null,
        null, reason, remedy, 1::bigint,
    from drafts
    union all
    select
        'market_unknown', 'warning', 'whatsapp_webhooks', null, null, 'recipient_id',
        tenant_id, billing_month, meter, null,
        'no calling code matches the recipient; priced as Other',
        'Add the prefix to seeds/reference/whatsapp_markets.csv if it has a market.',
        sum(unit_count)::bigint,
    from units
    group by tenant_id, billing_month, meter
)

select
    md5(
        concat_ws(
            '|', finding, coalesce(source, ''), coalesce(file_name, ''),
            coalesce(row_number, 0), coalesce(tenant_id, ''),
            coalesce(billing_month, date '0001-01-01'), coalesce(meter, ''),
            coalesce(price_key, ''), coalesce(field, ''), reason, remedy
        )
    ) as finding_id,
    finding,
    severity,
    source::varchar as source,
    file_name::varchar as file_name,
    row_number::bigint as row_number,
    field::varchar as field,
    tenant_id::varchar as tenant_id,
    billing_month::date as billing_month,
    meter::varchar as meter,
    price_key::varchar as price_key,
    reason,
    remedy,
    sum(record_count)::bigint as record_count,
from findings_united
group by all
