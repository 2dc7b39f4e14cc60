-- KIQ-03: ended conversations and the others of their customer that began within 24 hours of the end; imported
-- ones, which never took place here, are left out.
-- Grain: ended conversation x following one. Note: one that began exactly 24 hours later does not count. Who opened
-- it is decided in int_kiq_03__conversations_reopened. Only conversations affected by a new or changed one are
-- processed again.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=["{{ note_decided_anew(this) }}", "{{ forget_decided_anew(this) }}"],
    post_hook="{{ note_decided_anew(this) }}",
) }}

with conversations as {{ not_kept() }} (
    select conversation_id, org_id, customer_id, created_at, ended_at, imported_at
    from {{ ref('int_gen_02__conversations_states') }}
    where
        is_current
        {% if is_incremental() %}
        and part_number in ({{ numbers_found(parts_of_conversations_near()) }})
        {% endif %}
),

-- Most customers write once, so only the others are compared. Customers whose hashes
-- agree are included, and told apart below.
customers_back as (
    select {{ key_hash('customer_id') }} as customer_hash
    from conversations
    where customer_id is not null
    group by {{ key_hash('customer_id') }}
    having count(*) > 1
),

conversations_of_them as (
    select * from conversations
    where {{ key_hash('customer_id') }} in (
        select customers_back.customer_hash from customers_back
    )
),

followings as (
    select
        ended.conversation_id,
        ended.org_id,
        ended.customer_id,
        ended.ended_at,
        following.conversation_id as following_conversation_id,
        {{ kept_hash(['following.conversation_id']) }} as following_hash,
    from conversations_of_them as ended
    inner join conversations_of_them as following
        on
            ended.customer_id = following.customer_id
            and ended.org_id = following.org_id
            and ended.conversation_id != following.conversation_id
            and following.imported_at is null
            and following.created_at >= ended.ended_at
            and following.created_at < ended.ended_at + interval 24 hour
)

select * from followings
{% if is_incremental() %}
where conversation_id in ({{ decided_by_changed('followings') }})
{% endif %}
