-- The same totals from the flat files in one go: duplicates removed, metered, summed per meter.
-- A yardstick, not a product: no fates, no checks, no prices, nothing kept.
with messages as (
    select conversation_id, direction, assistant_type, sent_at
    from (select distinct on (id) * from read_parquet('{landing}/kustomer_messages/*bulk*.parquet'))
),

first_in as (
    select conversation_id, min(sent_at) as at from messages where direction = 'in' group by 1
),

kiq as (
    select count(distinct messages.conversation_id) as quantity
    from messages inner join first_in using (conversation_id)
    where direction = 'out' and assistant_type = 'premium' and sent_at > first_in.at
),

words as (
    select sum(character_count) as quantity
    from (select distinct on (translation_id) * from read_parquet('{landing}/translations/*bulk*.parquet'))
    where status = 'completed'
),

minutes as (
    select sum((duration + 59) // 60) as quantity
    from (select distinct on (sid) * from read_parquet('{landing}/twilio_calls/*bulk*.parquet'))
    where status = 'completed'
),

segments as (
    select sum(num_segments) as quantity
    from (select distinct on (sid) * from read_parquet('{landing}/twilio_messages/*bulk*.parquet'))
),

conversations as (
    select count(distinct conversation_id) as quantity
    from read_parquet('{landing}/whatsapp_webhooks/*bulk*.parquet')
    where status in ('delivered', 'read')
)

select 'kiq_conversation', quantity::bigint from kiq
union all select 'translated_character', quantity::bigint from words
union all select 'voice_minute', quantity::bigint from minutes
union all select 'sms_segment', quantity::bigint from segments
union all select 'whatsapp_conversation', quantity::bigint from conversations
order by 1
