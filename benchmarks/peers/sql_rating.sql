-- The same lines in the SQL that SQLite and PostgreSQL share; braces stand for their own expressions.
-- {div:a|b} is a whole division. Tables: the five sources, accounts, prices (10^-8), pools, market_prefixes, area_codes. Months are text.
with conversations as (
    select
        conversation_id,
        min(org_id) as account,
        min(case when direction = 'in' then sent_at end) as asked_at,
        min(case when direction = 'out' and assistant_type = 'premium' then sent_at end) as replied_at
    from kustomer_messages
    group by conversation_id
),

texts as (
    select distinct translation_id, org_id as account, {month:completed_at} as month, character_count
    from translations
    where status = 'completed'
),

legs as (
    select distinct
        sid, account_sid as account, {month:start_time} as month, direction, substr(called, 1, 5) as called,
        {div:duration + 59|60} as minutes
    from twilio_calls
    where status = 'completed' and duration > 0
),

messages_sent as (
    select distinct
        sid, account_sid as account, {month:date_sent} as month,
        case when direction = 'inbound' then 'inbound' else 'outbound' end as price_key, num_segments
    from twilio_messages
    where num_media = 0 and status in ('received', 'sent', 'delivered', 'undelivered', 'read', 'partially_delivered')
),

opened as (
    select
        conversation_id,
        min(waba_id) as account,
        {day_before:min(expiration_timestamp)} as opened_at,
        min(substr(recipient_id, 1, 4)) as prefix,
        min(pricing_category) as category
    from whatsapp_webhooks
    where status in ('delivered', 'read') and {is_true:billable}
    group by conversation_id
),

opened_dated as (
    select opened.*, {month:opened_at} as month, accounts.tenant_id
    from opened
    inner join accounts on opened.account = accounts.account_id
),

ranked as (
    select
        opened_dated.*,
        row_number() over (partition by tenant_id, month order by opened_at, conversation_id) as place
    from opened_dated
    where category in ('user_initiated', 'service')
),

chats as (
    select
        ranked.account, ranked.month, ranked.prefix, ranked.category,
        case when ranked.place <= coalesce(pools.pool_quantity, 0) then 1 else 0 end as is_pooled
    from ranked
    left join pools on ranked.tenant_id = pools.tenant_id and ranked.month = pools.month
    union all
    select account, month, prefix, category, 0 as is_pooled
    from opened_dated
    where category not in ('user_initiated', 'service')
),

usage as (
    select account, {month:replied_at} as month, 'kiq_conversation' as meter, '' as price_key, 0 as is_pooled,
        count(*) as quantity
    from conversations
    where replied_at > asked_at
    group by 1, 2
    union all
    select account, month, 'translated_word', '', 0, {div:sum(character_count) + 4|5}
    from texts
    group by 1, 2
    union all
    select account, month, 'voice_minute',
        case
            when called not like '+1%' or area_codes.region = 'international' then 'international'
            when direction <> 'inbound' then 'outbound_us_ca'
            when area_codes.region = 'toll_free' then 'inbound_toll_free'
            else 'inbound_local'
        end,
        0, sum(minutes)
    from legs
    left join area_codes on substr(called, 2) = area_codes.calling_prefix
    group by 1, 2, 4
    union all
    select account, month, 'sms_segment', price_key, 0, sum(num_segments)
    from messages_sent
    group by 1, 2, 4
    union all
    select account, month, 'whatsapp_conversation', market_prefixes.market || '|' || category, is_pooled, count(*)
    from chats
    inner join market_prefixes on chats.prefix = market_prefixes.prefix
    group by 1, 2, 4, 5
),

added as (
    select accounts.tenant_id, usage.month, usage.meter, usage.price_key, usage.is_pooled,
        cast(sum(usage.quantity) as bigint) as quantity
    from usage
    inner join accounts on usage.account = accounts.account_id
    group by 1, 2, 3, 4, 5
),

priced as (
    select added.*, case when added.is_pooled = 1 then 0 else prices.unit_price end as price
    from added
    left join prices
        on added.meter = prices.meter and added.price_key = prices.price_key and added.month = prices.month
)

select tenant_id, month, meter, price_key, quantity, price, {div:quantity * price + 500000|1000000} as cents
from priced
