{# KIQ-01: which messages of a conversation count, by the message's own channel. Defined only here, for the pieces and
   for the conversations read again. #}
{% macro is_on_counted_channel() %}coalesce(lower(channel), '') in ('chat', 'whatsapp', 'sms'){% endmacro %}

{% macro is_customer_message() %}
(
    direction = 'in'
    and {{ is_on_counted_channel() }}
)
{%- endmacro %}

{% macro is_premium_reply() %}
(
    direction = 'out'
    and coalesce(assistant_type, '') = 'premium'
    and {{ is_on_counted_channel() }}
)
{%- endmacro %}

{# The sender cannot be determined: the direction is neither in nor out, or the kind of assistant is unknown (empty
   means a person). The message may be the reply that completes an exchange, so it is not silently ignored. #}
{% macro is_of_unknown_sender() %}
(
    {{ is_on_counted_channel() }}
    and (
        coalesce(direction, '') not in ('in', 'out')
        or (direction = 'out' and coalesce(assistant_type, '') not in ('premium', 'lite', ''))
    )
)
{%- endmacro %}

{# KIQ-03: of a conversation's messages, on whatever channel: whether the first is the business's. If the customer wrote
   at the same instant, or it is not known who wrote, the conversation counts as the customer's. #}
{% macro is_opened_by_business() -%}
coalesce(min(sent_at) filter (where direction is distinct from 'out') > min(sent_at), true)
{%- endmacro %}

{# KIQ-02, KIQ-03: conversations whose own row arrived or changed since the last complete build, in all
   its states, because earlier states matter as well as the current one. Kept until the build is
   complete, for all models that ask. #}
{% macro note_conversations_changed(contested) %}
{%- set staged = ref('stg_kustomer__conversations') -%}
{%- set columns = 'conversation_id, org_id, customer_id, created_at, ended_at' -%}
create or replace table ops.conversations_changed as
{% if builds_upon_another() %}
select {{ columns }} from {{ staged }} where load_batch > {{ metered_batch() }}
union all
select {{ columns }} from {{ contested }}
where record_key in (
    select record_key from {{ contested }} where load_batch > {{ metered_batch() }}
)
{% else %}
select {{ columns }} from {{ contested }} where false
{% endif %}
{% endmacro %}

{# KIQ-03: of a relation of ended conversations, those affected by a changed one: because it is the one that ended, or
   because the same customer's began within 24 hours of the end. #}
{% macro decided_by_changed(relation) %}
select conversation_id from {{ relation }}
where conversation_id in (select conversation_id from ops.conversations_changed)
union
select ended.conversation_id from {{ relation }} as ended
inner join ops.conversations_changed as changed
    on ended.customer_id = changed.customer_id
    and ended.org_id = changed.org_id
    and changed.created_at >= ended.ended_at
    and changed.created_at < ended.ended_at + interval 24 hour
{% endmacro %}

{# The parts with conversations that a changed one affects, or that affect it: created or
   ended on its days or a day away. #}
{% macro parts_of_conversations_near() %}
with days as (
    select unnest([
        cast(created_at as date) - 1, cast(created_at as date), cast(created_at as date) + 1,
        cast(ended_at as date), cast(ended_at as date) + 1
    ]) as day
    from ops.conversations_changed
)
select parts.part_number
from ops.parts as parts
where parts.source = 'kustomer_conversations' and parts.load_batch > {{ metered_batch() }}
union
select parts.part_number
from ops.parts as parts
inner join ops.part_instants as instants on parts.part_number = instants.part_number
inner join (select distinct day from days) as asked
    on cast(instants.earliest as date) <= asked.day and cast(instants.latest as date) >= asked.day
where parts.source = 'kustomer_conversations' and instants.column_name in ('created_at', 'ended_at')
{% endmacro %}

{# Run before the affected rows are deleted and again after they are inserted: their months are metered again. #}
{% macro note_decided_anew(relation) %}
{% if execute and is_incremental() %}
insert into ops.conversations_decided_anew {{ decided_by_changed(relation) }}
{% else %}delete from ops.conversations_decided_anew{% endif %}
{% endmacro %}

{# Those affected by messages or merges alone: who opened the following conversation, or which conversation either was
   merged into, may be another now. Runs after the messages are read again, and adds to those noted above. #}
{% macro note_decided_by_messages() %}
{%- set followed = ref('int_kiq_03__conversations_followed') -%}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{% if execute and is_incremental() %}
insert into ops.conversations_decided_anew
with reread_anew as materialized (
    select conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
)
select conversation_id from {{ followed }} where following_hash in ({{ hashes_of_new_pieces() }})
union
select conversation_id from {{ followed }} where following_conversation_id in (select conversation_id from reread_anew)
union
select conversation_id from {{ followed }} where conversation_id in (select conversation_id from reread_anew)
{% else %}select 1{% endif %}
{% endmacro %}

{% macro forget_decided_anew(relation) %}
{% if execute and is_incremental() %}
delete from {{ relation }} where conversation_id in (select conversation_id from ops.conversations_decided_anew)
{% else %}select 1{% endif %}
{% endmacro %}

{# The month of a piece of a conversation: that of the exchange it completes, else of its first message. The piece
   stores it because it is read for all of history: three instants per piece were three quarters of what was read. #}
{% macro month_of_piece() %}
{{ billing_month("coalesce(case when first_reply_at > first_customer_message_at then first_reply_at end, first_message_at)") }}
{%- endmacro %}

{# The same for a row of the conversations read again. #}
{% macro month_of_exchange() %}{{ billing_month('coalesce(exchange_completed_at, first_message_at)') }}{% endmacro %}

{# KIQ-01: conversations for which messages arrived since the last complete build, by their hash. #}
{% macro hashes_of_new_pieces() -%}
select conversation_hash from {{ ref('int_kiq_01__conversation_pieces') }} where load_batch > {{ metered_batch() }}
{%- endmacro %}

{# KIQ-01: earlier pieces of conversations for which messages arrived, searched once among all pieces, by hash. If two
   conversations share a hash, some messages are read needlessly; no amount changes. #}
{% macro note_pieces_met() %}
{%- set pieces = ref('int_kiq_01__conversation_pieces') -%}
{% if execute and is_incremental() %}
create or replace table ops.pieces_met as
select conversation_hash, first_part, last_part, piece_month
from {{ pieces }}
where
    load_batch <= {{ metered_batch() }}
    and conversation_hash in ({{ hashes_of_new_pieces() }})
{% else %}select 1{% endif %}
{% endmacro %}

{# A conversation's own row may arrive or change long after its messages, so the months they count in are touched.
   Runs after the view that reads both, and so before any model asks which months to read again. The months of new
   messages, and of all pieces that share a hash with one of theirs, are recorded where they are read
   (touch_months_before_reread), so that history is searched only for rows that came without messages. Conversations
   are identified by hash alone: if two share one, one month too many is read. #}
{% macro touch_months_of_conversations() %}
{%- set pieces = ref('int_kiq_01__conversation_pieces') -%}
{%- set exchanges_reread = ref('int_kiq_01__exchanges_reread') -%}
{% if builds_upon_another() %}
insert into ops.touched_months (source, billing_month)
with asked_for as materialized (
    select conversation_id from ops.conversations_changed
    union all
    select conversation_id from ops.conversations_decided_anew
)
select distinct 'kustomer_messages', piece_month from {{ pieces }}
where conversation_hash in (
    select {{ kept_hash(['conversation_id']) }} from asked_for
    except
    {{ hashes_of_new_pieces() }}
)
union
select distinct 'kustomer_messages', {{ month_of_exchange() }}
from {{ exchanges_reread }}
where conversation_id in (select conversation_id from asked_for)
{% else %}select 1{% endif %}
{% endmacro %}

{# KIQ-01, KIQ-02: all pieces of every conversation merged into a target that must be read again, and of the
   target itself. They are kept for their parts, which are read, and for their months. Conversations merged
   long ago without new messages are included, because the target is gathered from all of them. Most were
   already found and are not searched again. #}
{% macro note_pieces_to_reread(reread) %}
{%- set pieces = ref('int_kiq_01__conversation_pieces') -%}
{%- set columns = 'first_part, last_part, piece_month' -%}
create or replace table ops.pieces_to_reread as
with asked_for as materialized (
    select conversation_hash, {{ kept_hash(['target_conversation_id']) }} as target_hash from {{ reread }}
    {% if builds_upon_another() %}
    where target_conversation_id in (
        select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
    )
    {% endif %}
),
conversations as materialized (
    select conversation_hash from asked_for
    union
    select target_hash from asked_for
)
{% if builds_upon_another() %}
select distinct {{ columns }} from ops.pieces_met
where conversation_hash in (select conversation_hash from conversations)
union
select distinct {{ columns }} from {{ pieces }}
where
    load_batch > {{ metered_batch() }}
    and conversation_hash in (select conversation_hash from conversations)
union
select distinct {{ columns }} from {{ pieces }}
where conversation_hash in (
    select conversation_hash from conversations
    except
    select conversation_hash from ops.pieces_met
    except
    {{ hashes_of_new_pieces() }}
)
{% else %}
select distinct {{ columns }} from {{ pieces }}
where conversation_hash in (select conversation_hash from conversations)
{% endif %}
{% endmacro %}

{# The months a conversation was in and is in: those of its pieces, and those of its row among the conversations read
   again, before and after that row is replaced. #}
{% macro touch_months_before_reread(relation) %}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{%- set pieces = ref('int_kiq_01__conversation_pieces') -%}
{% if execute and is_incremental() %}
insert into ops.touched_months (source, billing_month)
select distinct 'kustomer_messages', piece_month
from {{ pieces }} where load_batch > {{ metered_batch() }}
union
select distinct 'kustomer_messages', piece_month from ops.pieces_to_reread
union
select distinct
    'kustomer_messages', {{ month_of_exchange() }}
from {{ relation }} where conversation_id in (
    select conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
    union
    select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
)
{% else %}select 1{% endif %}
{% endmacro %}

{% macro touch_months_after_reread(relation) %}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{% if execute and is_incremental() %}
insert into ops.touched_months (source, billing_month)
select distinct
    'kustomer_messages', {{ month_of_exchange() }}
from {{ relation }}
where conversation_id in (
    select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
)
{% else %}select 1{% endif %}
{% endmacro %}

{# Deletes the rows of conversations about to be read again; one merged into another leaves none behind. #}
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
select distinct receipts.part_number
from raw.receipts as receipts
inner join (select distinct first_part, last_part from ops.pieces_to_reread) as held
    on receipts.part_number between held.first_part and held.last_part
where receipts.source = 'kustomer_messages' and receipts.status = 'accepted'
{% endmacro %}
