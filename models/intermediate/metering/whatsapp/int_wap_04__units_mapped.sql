-- WAP-04, GEN-03: every WhatsApp unit with its tenant, market and fate before the pool.
-- Grain: conversation (conversation era) or message (message era).
-- Trap: +1 is three markets and +7 two, so the longest prefix in force at the opening wins.
with conversations as (
    select * from {{ ref('int_wap_02__conversations_opened') }}
),

messages as (
    select * from {{ ref('int_wap_03__messages_delivered') }}
),

markets as (
    select * from {{ ref('whatsapp_markets') }}
),

categories as (
    select * from {{ ref('whatsapp_categories') }}
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'whatsapp'
),

units_united as (
    select
        'whatsapp_conversation' as meter,
        waba_id,
        conversation_id as unit_id,
        recipient_id,
        category,
        opened_at as occurred_at,
        is_delivered,
        has_unbillable_status or coalesce(category = 'referral_conversion', false)
            as is_meta_free,
        false as lacks_conversation,
        raw_rows,
    from conversations
    union all
    select
        'whatsapp_message' as meter,
        waba_id,
        wamid as unit_id,
        recipient_id,
        category,
        occurred_at,
        is_delivered,
        has_unbillable_status
        or coalesce(pricing_type like 'free%', false)
        or coalesce(category = 'referral_conversion', false) as is_meta_free,
        coalesce(pricing_model = 'CBP', false) as lacks_conversation,
        raw_rows,
    from messages
),

markets_found as (
    select
        units_united.*,
        coalesce(markets.market, 'Other') as market,
        markets.market is null as is_market_unknown,
    from units_united
    left join markets
        on
            starts_with(ltrim(units_united.recipient_id, '+'), markets.calling_prefix)
            and cast(units_united.occurred_at as date) >= markets.valid_from
            and (
                cast(units_united.occurred_at as date) < markets.valid_to
                or markets.valid_to is null
            )
    qualify
        row_number() over (
            partition by units_united.meter, units_united.waba_id, units_united.unit_id
            order by length(markets.calling_prefix) desc nulls last
        ) = 1
),

tenants_found as (
    select
        markets_found.*,
        accounts.tenant_id,
        accounts.account_kind,
        categories.initiated_by,
        case
            when not coalesce(markets_found.is_delivered, false) then 'not_delivered'
            when markets_found.lacks_conversation then 'missing_conversation'
            when markets_found.category is null then 'missing_pricing_category'
            when categories.category is null then 'unknown_category'
        end as meter_reason,
    from markets_found
    left join categories on markets_found.category = categories.category
    left join accounts
        on
            markets_found.waba_id = accounts.account_id
            and markets_found.occurred_at >= accounts.valid_from
            and (
                markets_found.occurred_at < accounts.valid_to
                or accounts.valid_to is null
            )
)

select
    meter,
    waba_id,
    unit_id,
    ltrim(recipient_id, '+') as customer,
    tenant_id,
    {{ billing_month('occurred_at') }} as billing_month,
    occurred_at,
    market,
    is_market_unknown,
    category,
    initiated_by,
    is_meta_free,
    {{ account_fate("case when meter_reason is null then 'countable'
        when meter_reason = 'not_delivered' then 'excluded'
        else 'quarantined' end") }} as metered_fate,
    {{ account_reason('meter_reason') }} as reason,
    raw_rows,
from tenants_found
