-- GEN-06: the usage the vendors report, each total with the meter it is compared
-- with and the months it covers.
-- Grain: vendor x account x category x period. Note: Twilio's categories nest, so a category that is not
-- listed is not compared. Twilio's days are in UTC, Meta's in the account's own time zone. A total contained in a
-- longer one with the same start (a month to date), or that reports nothing, is here but not counted.
{{ config(materialized='view') }}

with usage_records as (
    select * from {{ ref('int_gen_02__usage_records_states') }} where is_current
),

-- Meta splits a count by the dimensions it is asked for: what was asked twice by other dimensions is there twice.
conversation_points as (
    select
        waba_id, starts_at, ends_at, conversation, cost,
        {{ dimensions_filled([
            'phone_number', 'country', 'conversation_type', 'conversation_direction', 'conversation_category',
        ]) }} as dimensions,
    from {{ ref('int_gen_02__whatsapp_conversation_analytics_states') }}
    where is_current
),

pricing_points as (
    select
        waba_id, starts_at, ends_at, volume, cost,
        {{ dimensions_filled(['phone_number', 'country', 'pricing_type', 'pricing_category', 'tier']) }}
            as dimensions,
    from {{ ref('int_gen_02__whatsapp_pricing_analytics_states') }}
    where is_current
),

categories as (
    select * from {{ ref('vendor_categories') }}
),

totals_united as (
    select
        'twilio' as vendor,
        'twilio' as account_system,
        'twilio_usage_records' as source,
        account_sid as account_id,
        category,
        cast(start_date as timestamp) as starts_at,
        cast(end_date as timestamp) + interval 1 day as ends_at,
        coalesce(category_usage, 0)::decimal(38, 6) as vendor_quantity,
        price::decimal(38, 6) as vendor_cost,
        upper(price_unit) as cost_currency,
        -- If a day was still running when Twilio counted, its total is incomplete.
        coalesce(as_of >= cast(end_date as timestamp) + interval 1 day, true) as is_whole,
    from usage_records
    union all
    select
        'meta', 'whatsapp', 'whatsapp_conversation_analytics', waba_id, 'conversations',
        starts_at, ends_at, sum(coalesce(conversation, 0))::decimal(38, 6) as quantity,
        sum(cost)::decimal(38, 6), null, true,
    from conversation_points
    group by waba_id, starts_at, ends_at, dimensions
    -- As of one count asked for twice, the greater is the later.
    qualify row_number() over (
        partition by waba_id, starts_at, ends_at order by quantity desc, dimensions
    ) = 1
    union all
    select
        'meta', 'whatsapp', 'whatsapp_pricing_analytics', waba_id, 'messages',
        starts_at, ends_at, sum(coalesce(volume, 0))::decimal(38, 6) as quantity,
        sum(cost)::decimal(38, 6), null, true,
    from pricing_points
    group by waba_id, starts_at, ends_at, dimensions
    qualify row_number() over (
        partition by waba_id, starts_at, ends_at order by quantity desc, dimensions
    ) = 1
),

-- A day of a time zone has 23 hours or 25 when its clocks change; the shortest month 28 days less an hour.
kinds_given as (
    select
        *,
        case
            when ends_at < starts_at + interval 23 hour then 'hour'
            when ends_at <= starts_at + interval 25 hour then 'day'
            when ends_at < starts_at + interval 671 hour then 'other'
            else 'month'
        end as period_kind,
    from totals_united
    where
        ends_at > starts_at
        -- A total of more than a month is a sum of months that are here themselves, or should be.
        and ends_at <= starts_at + interval 32 day
)

select
    kinds_given.vendor,
    kinds_given.account_system,
    kinds_given.source,
    kinds_given.account_id,
    kinds_given.category,
    kinds_given.starts_at,
    kinds_given.ends_at,
    kinds_given.period_kind,
    -- The midpoint decides: a month in a time zone east of UTC begins in the UTC month before.
    {{ billing_month('kinds_given.starts_at + (kinds_given.ends_at - kinds_given.starts_at) / 2') }}
        as billing_month,
    {{ billing_month('kinds_given.starts_at') }} as earliest_month,
    {{ billing_month('kinds_given.ends_at - interval 1 microsecond') }} as latest_month,
    categories.meter,
    categories.direction,
    kinds_given.vendor_quantity,
    kinds_given.vendor_cost,
    kinds_given.cost_currency,
    kinds_given.is_whole,
    (
        categories.meter is not null
        or kinds_given.vendor_quantity != 0
        or coalesce(kinds_given.vendor_cost != 0, false)
    )
    and row_number() over (
        partition by
            kinds_given.vendor, kinds_given.account_id, kinds_given.category,
            kinds_given.period_kind, kinds_given.starts_at
        order by kinds_given.ends_at desc
    ) = 1 as is_counted,
from kinds_given
left join categories
    on
        kinds_given.vendor = categories.vendor
        and kinds_given.category = categories.category
