-- GEN-06: vendors' totals beside what landed for the same periods, whatever its fate here: usage that a
-- vendor counted but that never landed is billed to nobody.
-- Grain: vendor x account x kind of account x tenant x category x kind of period x month x currency of the cost. Only
-- months whose totals or records were touched are compared again.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_vendor_totals(this) }}",
) }}
{%- set again = vendor_totals_again() %}

with totals as (
    select * from {{ ref('int_gen_06__vendor_totals') }}
    where is_counted {% if again is not none %}and {{ is_compared_again(again) }}{% endif %}
),

periods as (
    select distinct vendor, account_id, meter, direction, starts_at, ends_at,
    from totals
    where meter is not null and is_whole
),

-- Legs and texts that a vendor bills for; what no vendor counts is not a difference.
legs as (
    select
        account_sid,
        'voice_minute' as meter,
        case when is_inbound then 'inbound' else 'outbound' end as direction,
        occurred_at,
        quantity,
    from {{ ref('int_voi__legs_metered') }}
    where
        coalesce(meter_reason, '') not in ('zero_duration', 'not_completed', 'agent_leg')
        and account_sid in (select periods.account_id from periods)
        {{ in_months(months_of_vendor_periods(again, ['voice_minute']), 'twilio_calls') }}
),

texts as (
    select account_sid, meter, price_key as direction, occurred_at, quantity,
    from {{ ref('int_msg__usage_metered') }}
    where
        coalesce(meter_reason, '')
        not in ('whatsapp_channel', 'unknown_channel', 'not_billable_status')
        and account_sid in (select periods.account_id from periods)
        {{ in_months(months_of_vendor_periods(again, ['sms_segment', 'mms_message']), 'twilio_messages') }}
),

-- Twilio's periods are whole UTC days.
landed_by_day as (
    select
        account_sid,
        meter,
        direction,
        cast(occurred_at as date) as used_on,
        sum(quantity) as quantity,
    from (select * from legs union all select * from texts)
    group by all
),

units as (
    select * from {{ ref('int_wap_04__units_mapped') }}
    where
        coalesce(reason, '') != 'not_delivered'
        and waba_id in (select periods.account_id from periods)
        {{ in_months(months_of_vendor_periods(again, ['whatsapp_conversation', 'whatsapp_message'])) }}
),

landed as (
    select
        periods.vendor, periods.account_id, periods.meter, periods.direction,
        periods.starts_at, periods.ends_at,
        sum(landed_by_day.quantity) as landed_quantity,
    from periods
    inner join landed_by_day
        on
            periods.account_id = landed_by_day.account_sid
            and periods.meter = landed_by_day.meter
            and periods.direction = landed_by_day.direction
            and landed_by_day.used_on >= periods.starts_at
            and landed_by_day.used_on < periods.ends_at
    where periods.vendor = 'twilio'
    group by all
    union all
    select
        periods.vendor, periods.account_id, periods.meter, periods.direction,
        periods.starts_at, periods.ends_at, count(*) as landed_quantity,
    from periods
    inner join units
        on
            periods.account_id = units.waba_id
            and periods.meter = units.meter
            and units.occurred_at >= periods.starts_at
            and units.occurred_at < periods.ends_at
    where periods.vendor = 'meta'
    group by all
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
),

-- Whose the account was in the period: of two tenants in turn it is said of neither.
owners as (
    select
        totals.account_system,
        totals.account_id,
        totals.starts_at,
        totals.ends_at,
        case when count(distinct accounts.tenant_id) = 1 then min(accounts.tenant_id) end as tenant_id,
        case when count(distinct accounts.account_kind) = 1 then min(accounts.account_kind) end
            as account_kind,
    from totals
    inner join accounts
        on
            totals.account_system = accounts.account_system
            and totals.account_id = accounts.account_id
            and {{ overlaps('accounts.valid_from', 'accounts.valid_to', 'totals.starts_at', 'totals.ends_at') }}
    group by totals.account_system, totals.account_id, totals.starts_at, totals.ends_at
),

side_by_side as (
    select
        totals.*,
        owners.tenant_id,
        owners.account_kind,
        totals.meter is not null and totals.is_whole as is_compared,
        coalesce(landed.landed_quantity, 0)::decimal(38, 6) as landed_quantity,
    from totals
    left join landed
        on
            totals.vendor = landed.vendor
            and totals.account_id = landed.account_id
            and totals.meter = landed.meter
            and totals.starts_at = landed.starts_at
            and totals.ends_at = landed.ends_at
            and coalesce(totals.direction, '') = coalesce(landed.direction, '')
    left join owners
        on
            totals.account_system = owners.account_system
            and totals.account_id = owners.account_id
            and totals.starts_at = owners.starts_at
            and totals.ends_at = owners.ends_at
)

select
    vendor,
    source,
    account_id,
    account_kind,
    tenant_id,
    billing_month,
    category,
    period_kind,
    meter,
    count(*)::bigint as period_count,
    count(*) filter (where is_compared)::bigint as compared_count,
    sum(vendor_quantity)::decimal(38, 6) as vendor_quantity,
    case
        when bool_or(is_compared)
            then coalesce(sum(vendor_quantity) filter (where is_compared), 0)
    end::decimal(38, 6) as vendor_quantity_compared,
    sum(landed_quantity) filter (where is_compared)::decimal(38, 6) as landed_quantity,
    -- By the period: more landed in another makes up for nothing.
    sum(greatest(vendor_quantity - landed_quantity, 0)) filter (where is_compared)::decimal(38, 6)
        as missing_quantity,
    coalesce(
        sum(vendor_quantity) filter (where is_compared and vendor_quantity != landed_quantity), 0
    )::decimal(38, 6) as differing_vendor_quantity,
    coalesce(
        sum(landed_quantity) filter (where is_compared and vendor_quantity != landed_quantity), 0
    )::decimal(38, 6) as differing_landed_quantity,
    count(*) filter (where is_compared and vendor_quantity != landed_quantity)::bigint
        as differing_count,
    min(starts_at) filter (where is_compared and vendor_quantity != landed_quantity)
        as first_differs_at,
    sum(vendor_cost)::decimal(38, 6) as vendor_cost,
    cost_currency,
from side_by_side
group by all
