-- The yardstick: from the flat Parquet files straight to invoice lines, as fast as we can write it by hand.
-- Repeats removed, every record in the month of its own instant, pools drawn down, amounts rounded half
-- away from zero to cents. No fates, no checks, no history, nothing kept.
--
-- Repeats are removed by grouping on the 64-bit hash of the id, with only whole numbers beside it: no wide
-- windows. Customer Assist needs no pass for repeats at all, because a first and a last instant do not move
-- when a row comes twice. Accounts stay hashes until few rows are left.
-- A name in braces stands for the expression that reads a source's files, Parquet or other. The runner makes
-- these tables beforehand: accounts, prices, pools, market_prefixes, area_codes, looked_at_twice.
with conversations as (
    select
        hash(conversation_id) as conversation,
        min(hash(org_id)) as account,
        min(case when direction = 'in' then sent_at end) as first_in,
        min(case when direction = 'out' and assistant_type = 'premium' then sent_at end) as first_out,
        max(case when direction = 'out' and assistant_type = 'premium' then sent_at end) as last_out,
    from {kustomer_messages}
    group by hash(conversation_id)
),

-- If an assistant wrote before the customer did, its messages need a second look. The runner takes it before
-- the clock starts, which is in the limit's favor. Late files with half a conversation cause such cases.
exchanges as (
    select
        conversations.account,
        case
            when conversations.first_out > conversations.first_in then conversations.first_out
            when conversations.last_out > conversations.first_in
                then coalesce(looked_at_twice.first_out, error('an assistant wrote before the customer did'))
        end as completed_at,
    from conversations
    left join looked_at_twice on conversations.conversation = looked_at_twice.conversation
),

assisted as (
    select account, date_trunc('month', make_timestamp(epoch_us(completed_at))) as month, count(*) as quantity
    from exchanges
    where completed_at is not null
    group by all
),

texts as (
    select distinct
        hash(translation_id) as record,
        hash(org_id) as account,
        make_timestamp(epoch_us(completed_at)) as instant,
        character_count,
    from {translations}
    where status = 'completed'
),

words as (
    select account, date_trunc('month', instant) as month, (sum(character_count)::bigint + 4) // 5 as quantity
    from texts
    group by all
),

legs as (
    select distinct
        hash(sid) as record,
        hash(account_sid) as account,
        make_timestamp(epoch_us(start_time)) as instant,
        direction = 'inbound' as is_inbound,
        left("to", 5) as called,
        duration,
    from {twilio_calls}
    where status = 'completed'
),

legs_added as (
    select
        account, date_trunc('month', instant) as month, is_inbound, called,
        sum((duration + 59) // 60)::bigint as quantity,
    from legs
    group by all
),

minutes as (
    select
        legs_added.account,
        legs_added.month,
        case
            when legs_added.called not like '+1%' or area_codes.region = 'international' then 'international'
            when not legs_added.is_inbound then 'outbound_us_ca'
            when area_codes.region = 'toll_free' then 'inbound_toll_free'
            else 'inbound_local'
        end as price_key,
        sum(legs_added.quantity)::bigint as quantity,
    from legs_added
    left join area_codes on legs_added.called = '+' || area_codes.calling_prefix
    group by all
),

messages_sent as (
    select distinct
        hash(sid) as record,
        hash(account_sid) as account,
        make_timestamp(epoch_us(date_sent)) as instant,
        direction = 'inbound' as is_inbound,
        num_segments,
    from {twilio_messages}
    where num_media = 0 and status in ('received', 'sent', 'delivered', 'undelivered', 'read', 'partially_delivered')
),

segments as (
    select
        account, date_trunc('month', instant) as month, case when is_inbound then 'inbound' else 'outbound' end as price_key,
        sum(num_segments)::bigint as quantity,
    from messages_sent
    group by all
),

opened as (
    select
        any_value(hash(waba_id)) as account,
        make_timestamp(epoch_us(min(expiration_timestamp)) - 86_400_000_000) as opened_at,
        any_value(left(recipient_id, 4)) as prefix,
        any_value(pricing_category) as category,
        conversation_id,
    from {whatsapp_webhooks}
    where status in ('delivered', 'read') and billable
    group by conversation_id
),

-- Only conversations of tenants with a pool are ranked, and the pool takes the first of them.
pooled as (
    select
        accounts.account,
        pools.billing_month as month,
        pools.pool_quantity,
    from pools
    inner join accounts on pools.tenant_id = accounts.tenant_id
),

drawn as (
    select opened.account, pooled.month, opened.prefix, opened.category
    from opened
    inner join pooled
        on opened.account = pooled.account and date_trunc('month', opened.opened_at) = pooled.month
    where opened.category in ('user_initiated', 'service')
    qualify
        row_number() over (
            partition by opened.account, pooled.month order by opened.opened_at, opened.conversation_id
        ) <= max(pooled.pool_quantity) over (partition by opened.account, pooled.month)
),

whatsapp_counted as (
    select account, date_trunc('month', opened_at) as month, prefix, category, false as is_pooled, count(*) as quantity
    from opened
    group by all
    union all
    select account, month, prefix, category, false as is_pooled, -count(*) as quantity
    from drawn
    group by all
    union all
    select account, month, prefix, category, true as is_pooled, count(*) as quantity
    from drawn
    group by all
),

chats as (
    select
        whatsapp_counted.account,
        whatsapp_counted.month,
        market_prefixes.market || '|' || whatsapp_counted.category as price_key,
        whatsapp_counted.is_pooled,
        sum(whatsapp_counted.quantity)::bigint as quantity,
    from whatsapp_counted
    inner join market_prefixes on whatsapp_counted.prefix = market_prefixes.prefix
    group by all
    having sum(whatsapp_counted.quantity) > 0
),

usage as (
    select account, month, 'kiq_conversation' as meter, '' as price_key, false as is_pooled, quantity from assisted
    union all
    select account, month, 'translated_word' as meter, '' as price_key, false as is_pooled, quantity from words
    union all
    select account, month, 'voice_minute' as meter, price_key, false as is_pooled, quantity from minutes
    union all
    select account, month, 'sms_segment' as meter, price_key, false as is_pooled, quantity from segments
    union all
    select account, month, 'whatsapp_conversation' as meter, price_key, is_pooled, quantity from chats
),

added as (
    select accounts.tenant_id, usage.month::date as billing_month, usage.meter, usage.price_key, usage.is_pooled,
        sum(usage.quantity)::bigint as quantity,
    from usage
    inner join accounts on usage.account = accounts.account
    group by all
)

select
    added.tenant_id,
    added.billing_month,
    added.meter,
    added.price_key,
    added.quantity,
    case when added.is_pooled then 0 else prices.unit_price end::decimal(18, 8) as unit_price,
    case
        when added.is_pooled then 0
        else round(added.quantity::decimal(18, 0) * prices.unit_price, 2)
    end::decimal(18, 2) as amount,
from added
left join prices
    on
        added.meter = prices.meter
        and added.price_key = prices.price_key
        and added.billing_month = prices.billing_month
