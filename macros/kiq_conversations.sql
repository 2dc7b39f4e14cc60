{# KIQ-01: which messages of a conversation count, by the message's own channel. One home for the
   pieces and for the conversations read again. #}
{% macro is_customer_message() %}
(
    direction = 'in'
    and coalesce(lower(channel), '') in ('chat', 'whatsapp', 'sms')
)
{%- endmacro %}

{% macro is_premium_reply() %}
(
    direction = 'out'
    and coalesce(assistant_type, '') = 'premium'
    and coalesce(lower(channel), '') in ('chat', 'whatsapp', 'sms')
)
{%- endmacro %}

{# KIQ-02, KIQ-03: conversations whose own row came or changed since the last complete build, in all its
   states: what it was decides with what it is. #}
{% macro conversations_changed() %}
{%- set contested = ref('int_gen_02__conversations_contested') -%}
select conversation_id, org_id, customer_id
from {{ ref('int_gen_02__conversations_states') }} where load_batch > {{ metered_batch() }}
union
select conversation_id, org_id, customer_id from {{ contested }}
where record_key in (
    select record_key from {{ contested }} where load_batch > {{ metered_batch() }}
)
{% endmacro %}

{% macro touch_months_of_exchanges(conversations, is_wanted) %}
{%- set exchanges = ref('int_kiq_01__exchanges_completed') -%}
{% if is_wanted %}
insert into ops.touched_months (source, billing_month)
select distinct
    'kustomer_messages', {{ billing_month('coalesce(exchange_completed_at, first_message_at)') }}
from {{ exchanges }}
where conversation_id in ({{ conversations }})
{% else %}select 1{% endif %}
{% endmacro %}

{# A conversation's own row may come or change long after its messages: the months they count in. Noted behind
   the view that reads both, so before any model asks which months to read anew. #}
{% macro touch_months_of_conversations() %}
{{ touch_months_of_exchanges(
    'select conversation_id from (' ~ conversations_changed() ~ ')', builds_upon_another()
) }}
{% endmacro %}

{# KIQ-03: one that a customer opens decides about those that ended within the day before. #}
{% macro touch_months_of_reopened(relation) %}
{{ touch_months_of_exchanges(
    'select conversation_id from ' ~ relation ~ ' where (org_id, customer_id) in ('
    ~ 'select (org_id, customer_id) from (' ~ conversations_changed() ~ '))',
    execute and is_incremental()
) }}
{% endmacro %}

{% macro forget_reopened(relation) %}
{%- set changed = conversations_changed() -%}
{% if execute and is_incremental() %}
delete from {{ relation }} where (org_id, customer_id) in (select (org_id, customer_id) from ({{ changed }}))
{% else %}select 1{% endif %}
{% endmacro %}

{# KIQ-01: the months a conversation stood in and stands in: those of its pieces, and those of its row
   among the conversations read again, before that row is replaced and after. #}
{% macro touch_months_before_reread(relation) %}
{%- set pieces = ref('int_kiq_01__conversation_pieces') -%}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{% if execute and is_incremental() %}
insert into ops.touched_months (source, billing_month)
with changed as (
    select conversation_id, target_conversation_id from {{ reread }}
    where changed_batch > {{ metered_batch() }}
),
affected as (
    select conversation_id from changed
    union
    select target_conversation_id from changed
    union
    select conversation_id from {{ pieces }} where load_batch > {{ metered_batch() }}
)
select distinct
    'kustomer_messages',
    {{ billing_month("coalesce(case when first_reply_at > first_customer_message_at then first_reply_at end, first_message_at)") }}
from {{ pieces }} where conversation_id in (select conversation_id from affected)
union
select distinct
    'kustomer_messages', {{ billing_month('coalesce(exchange_completed_at, first_message_at)') }}
from {{ relation }} where conversation_id in (select conversation_id from affected)
{% else %}select 1{% endif %}
{% endmacro %}

{% macro touch_months_after_reread(relation) %}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{% if execute and is_incremental() %}
insert into ops.touched_months (source, billing_month)
select distinct
    'kustomer_messages', {{ billing_month('coalesce(exchange_completed_at, first_message_at)') }}
from {{ relation }}
where conversation_id in (
    select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
)
{% else %}select 1{% endif %}
{% endmacro %}

{# Takes out the rows of conversations about to be read again: one merged away leaves none behind. #}
{% macro forget_reread(relation) %}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{% if execute and is_incremental() %}
delete from {{ relation }} where conversation_id in (
    select conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
    union
    select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
)
{% else %}select 1{% endif %}
{% endmacro %}

{# KIQ-01: the parts that hold messages of conversations to be read again. #}
{% macro parts_of_conversations_reread() %}
{%- set pieces = ref('int_kiq_01__conversation_pieces') -%}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
select distinct receipts.part_number
from raw.receipts as receipts
inner join (
    select distinct pieces.first_part, pieces.last_part
    from {{ pieces }} as pieces
    inner join {{ reread }} as members on pieces.conversation_id = members.conversation_id
    {% if is_incremental() %}
    where members.target_conversation_id in (
        select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
    )
    {% endif %}
) as held on receipts.part_number between held.first_part and held.last_part
where receipts.source = 'kustomer_messages' and receipts.status = 'accepted'
{% endmacro %}
