-- GEN-06: what the vendors say was used, each total with the meter it is beside and the months it covers.
-- Grain: vendor x account x category x period. Trap: Twilio's categories nest, so one that is in no list is
-- compared with nothing; its days are of UTC, Meta's of the account's own time zone.
{{ config(materialized='view') }}

with usage_records as (
    select * from {{ ref('int_gen_02__usage_records_states') }} where is_current
),

conversation_points as (
    select * from {{ ref('int_gen_02__whatsapp_conversation_analytics_states') }}
    where is_current
),

pricing_points as (
    select * from {{ ref('int_gen_02__whatsapp_pricing_analytics_states') }}
    where is_current
),

categories as (
    select * from {{ ref('vendor_categories') }}
),

totals_united as (
    select
        'twilio' as vendor,
        'twilio_usage_records' as source,
        account_sid as account_id,
        category,
        cast(start_date as timestamp) as starts_at,
        cast(end_date as timestamp) + interval 1 day as ends_at,
        coalesce(category_usage, 0)::decimal(38, 6) as vendor_quantity,
        price::decimal(38, 6) as vendor_cost,
        upper(price_unit) as cost_currency,
        -- A day still running when Twilio counted says less than the day.
        coalesce(as_of >= cast(end_date as timestamp) + interval 1 day, true) as is_whole,
    from usage_records
    union all
    select
        'meta', 'whatsapp_conversation_analytics', waba_id, 'conversations', starts_at,
        ends_at, sum(coalesce(conversation, 0))::decimal(38, 6),
        sum(cost)::decimal(38, 6), null, true,
    from conversation_points
    group by waba_id, starts_at, ends_at
    union all
    select
        'meta', 'whatsapp_pricing_analytics', waba_id, 'messages', starts_at, ends_at,
        sum(coalesce(volume, 0))::decimal(38, 6), sum(cost)::decimal(38, 6), null, true,
    from pricing_points
    group by waba_id, starts_at, ends_at
)

select
    totals_united.vendor,
    totals_united.source,
    totals_united.account_id,
    totals_united.category,
    totals_united.starts_at,
    totals_united.ends_at,
    case
        when totals_united.ends_at <= totals_united.starts_at + interval 25 hour then 'day'
        else 'month'
    end as period_kind,
    -- The middle decides: a month of a time zone east of UTC begins in the UTC month before.
    {{ billing_month('totals_united.starts_at + (totals_united.ends_at - totals_united.starts_at) / 2') }}
        as billing_month,
    {{ billing_month('totals_united.starts_at') }} as earliest_month,
    {{ billing_month('totals_united.ends_at - interval 1 microsecond') }} as latest_month,
    categories.meter,
    categories.direction,
    totals_united.vendor_quantity,
    totals_united.vendor_cost,
    totals_united.cost_currency,
    totals_united.is_whole,
from totals_united
left join categories
    on
        totals_united.vendor = categories.vendor
        and totals_united.category = categories.category
where
    totals_united.ends_at > totals_united.starts_at
    -- More than a month is a sum of months that are here, or should be.
    and totals_united.ends_at <= totals_united.starts_at + interval 32 day
    and (
        categories.meter is not null
        or totals_united.vendor_quantity != 0
        or totals_united.vendor_cost != 0
    )
