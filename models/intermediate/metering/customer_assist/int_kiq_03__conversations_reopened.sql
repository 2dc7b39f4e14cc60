-- KIQ-03: ended conversations whose customer opened another within 24 hours of the end.
-- Grain: such a conversation. Trap: exactly 24 hours later is no longer within them. Only customers
-- one of whose conversations came or changed are looked at again.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=["{{ touch_months_of_reopened(this) }}", "{{ forget_reopened(this) }}"],
    post_hook="{{ touch_months_of_reopened(this) }}",
) }}

with conversations as (
    select conversation_id, org_id, customer_id, created_at, ended_at
    from {{ ref('int_gen_02__conversations_states') }} where is_current
),

{% if is_incremental() %}
customers_changed as (
    select distinct org_id, customer_id from ({{ conversations_changed() }})
),

conversations_of_them as (
    select conversations.* from conversations
    inner join customers_changed using (org_id, customer_id)
),
{% else %}
-- Most customers write once: only the others are compared with themselves. Customers whose hashes
-- agree are looked at, too, and told apart below.
customers_back as (
    select {{ key_hash('customer_id') }} as customer_hash
    from {{ ref('int_gen_02__conversations_states') }}
    where is_current and customer_id is not null
    group by {{ key_hash('customer_id') }}
    having count(*) > 1
),

conversations_of_them as (
    select * from conversations
    where {{ key_hash('customer_id') }} in (
        select customers_back.customer_hash from customers_back
    )
),
{% endif %}

reopenings as (
    select ended.conversation_id, ended.org_id, ended.customer_id
    from conversations_of_them as ended
inner join conversations_of_them as following
        on
            ended.customer_id = following.customer_id
            and ended.org_id = following.org_id
            and ended.conversation_id != following.conversation_id
            and following.created_at >= ended.ended_at
            and following.created_at < ended.ended_at + interval 24 hour
)

select distinct * from reopenings
