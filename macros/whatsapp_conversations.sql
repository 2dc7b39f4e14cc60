{# WAP-02: combines the messages of one conversation, from a relation of messages of the conversation era. Defined
   only here, for all conversations and for those that changed. #}
{% macro conversations_gathered(messages) %}
{#- Column, how several messages are combined, the value of one message. -#}
{#- WAP-01: a conversation is a free entry point if any of its messages says so, by origin or by category. -#}
{%- set category -%}
case when origin_type = 'referral_conversion' then origin_type else coalesce(pricing_category, origin_type) end
{%- endset -%}
{%- set category_together -%}
coalesce(max({{ category }}) filter (where {{ category }} = 'referral_conversion'), max({{ category }}))
{%- endset -%}
{%- set figures = [
    ('category', category_together, category),
    ('recipient_id', 'arg_min(recipient_id, coalesce(first_progress_at, first_event_at))', 'recipient_id'),
    ('has_unbillable_status', 'bool_or(has_unbillable_status)', 'has_unbillable_status'),
    ('expires_at', 'min(expires_at)', 'expires_at'),
    ('first_progress_at', 'min(first_progress_at)', 'first_progress_at'),
    ('first_event_at', 'min(first_event_at)', 'first_event_at'),
    ('is_delivered', 'bool_or(is_delivered)', 'is_delivered'),
    ('raw_rows', 'sum(raw_rows)::bigint', 'raw_rows'),
] -%}
{%- set conversation_hash = row_hash(['waba_id', 'conversation_id']) -%}
{#- A conversation with one message takes its values; only those with several messages are combined. -#}
{%- set of_several = 'select ' ~ conversation_hash ~ ' from ' ~ messages ~ ' group by all having count(*) > 1' -%}
select
    waba_id,
    conversation_id,
    {% for name, _, said in figures %}{{ said }} as {{ name }},
    {% endfor %}
from {{ messages }}
where {{ conversation_hash }} not in ({{ of_several }})
union all
select
    waba_id,
    conversation_id,
    {% for name, together, _ in figures %}{{ together }} as {{ name }},
    {% endfor %}
from {{ messages }}
where {{ conversation_hash }} in ({{ of_several }})
group by waba_id, conversation_id
{% endmacro %}

{# WAP-02, WAP-03: whether a message counts by its conversation, according to its pricing model. If no status names
   one, the time of its first status decides: from 1 July 2025 a conversation id is per message. #}
{% macro is_of_conversation_era() %}
coalesce(
    pricing_model, case when first_event_at < timestamp '2025-07-01 00:00:00' then 'CBP' else 'PMP' end
) = 'CBP'
{%- endmacro %}

{# WAP-02: a conversation opened 24 hours before its earliest expiry, 72 for a free entry point. #}
{% macro conversation_opened_at() %}
coalesce(
    expires_at - case
        when category = 'referral_conversion' then interval 72 hour
        else interval 24 hour
    end,
    first_progress_at,
    first_event_at
)
{%- endmacro %}

{# Messages with a status that itself changed: they are gathered again, or no longer exist. #}
{% macro whatsapp_messages_contested(newer_than) %}
{%- set contested = ref('int_gen_02__whatsapp_events_contested') -%}
select distinct waba_id, wamid from {{ contested }}
where record_key in (
    select record_key from {{ contested }}
    group by record_key
    having
        count(*) > 1
        and max(load_batch) > {{ newer_than }}
        and min(first_load_batch) <= {{ newer_than }}
)
{% endmacro %}

{# Messages gathered earlier to which something new is added now, with their present values. They are searched once
   among all messages, by hash, and read only where that finds them; all later steps use only these. A message that
   merely shares a hash is written again unchanged. #}
{% macro note_messages_met(relation) %}
{%- set events = ref('int_gen_02__whatsapp_events_states') -%}
{% if execute and is_incremental() %}
{%- set asked_for -%}
select {{ kept_hash(['waba_id', 'wamid']) }} from (
    select waba_id, wamid from {{ events }} where load_batch > {{ last_batch(relation) }}
    union all
    select waba_id, wamid from ({{ whatsapp_messages_contested(last_batch(relation)) }})
)
{%- endset -%}
create or replace table ops.whatsapp_messages_met as
select * from {{ relation }}
where {{ within_span_of('first_event_at', relation ~ ' where message_hash in (' ~ asked_for ~ ')') }}
    and message_hash in ({{ asked_for }})
{% else %}select 1{% endif %}
{% endmacro %}

{# A late status may move the message to another conversation, so the former one is processed again. Or it may show
   that there never was such a message, and then no row of it remains. #}
{% macro note_messages_as_they_were() %}
{% if execute and is_incremental() %}
insert into ops.whatsapp_messages_as_they_were
select distinct waba_id, wamid, conversation_id from ops.whatsapp_messages_met
{% else %}delete from ops.whatsapp_messages_as_they_were{% endif %}
{% endmacro %}

{# The messages found are combined with what is new, or gathered again; in either case their rows are written again.
   All messages that share a hash with one of them were found too. #}
{% macro forget_messages_met(relation) %}
{% if execute and is_incremental() %}
delete from {{ relation }}
where {{ within_span_of('first_event_at', 'ops.whatsapp_messages_met') }}
    and message_hash in (select message_hash from ops.whatsapp_messages_met)
{% else %}select 1{% endif %}
{% endmacro %}

{# Whether every unit must be mapped again: contract data changed, so anything may have moved with it. #}
{% macro every_unit_touched() %}
{{ return(months_touched(['whatsapp_webhooks']) is none) }}
{% endmacro %}

{# Units mapped earlier whose messages changed, with their present values. They are searched once among all
   units, by hash, and read only where that finds them. It must be exactly these: they are deleted, and
   only what changed is mapped again. #}
{% macro note_units_met(relation) %}
{%- set messages = ref('int_wap_01__messages_gathered') -%}
{% if execute and is_incremental() and not every_unit_touched() %}
{%- set units -%}
{%- for concerned in [messages ~ ' where load_batch > ' ~ metered_batch(), 'ops.whatsapp_messages_as_they_were where true'] %}
select 'whatsapp_conversation' as meter, waba_id, conversation_id as unit_id
from {{ concerned }} and conversation_id is not null
union all
select 'whatsapp_message' as meter, waba_id, wamid as unit_id
from {{ concerned }}
{% if not loop.last %}union all{% endif %}
{%- endfor %}
{%- endset -%}
{%- set hashes = 'select ' ~ kept_hash(['meter', 'waba_id', 'unit_id']) ~ ' from (' ~ units ~ ')' -%}
create or replace table ops.whatsapp_units_met as
with asked_for as materialized (
    {{ units }}
)
select meter, waba_id, unit_id, unit_hash, billing_month, occurred_at from {{ relation }}
where {{ within_span_of('occurred_at', relation ~ ' where unit_hash in (' ~ hashes ~ ')') }}
    and unit_hash in (select {{ kept_hash(['meter', 'waba_id', 'unit_id']) }} from asked_for)
    and (meter, waba_id, unit_id) in (select (meter, waba_id, unit_id) from asked_for)
{% else %}select 1{% endif %}
{% endmacro %}

{# The months that changed units affect. A unit draws on the pool of its month and can take a place from a window
   opened on that month's last day, whose messages lie in the next month; where both eras meet, a conversation can do
   so too. A message may also belong to a window opened in the month before, and draw on the pool of that month. #}
{% macro touch_months_of_units(units) %}
{% if execute and is_incremental() and not every_unit_touched() %}
insert into ops.touched_months (source, billing_month)
select distinct
    'whatsapp_webhooks',
    cast(units.billing_month + to_months(reach.months::integer) as date)
from ({{ units }}) as units
inner join (values (-1), (0), (1)) as reach (months)
    on reach.months >= 0 or units.meter = 'whatsapp_message'
{% else %}select 1{% endif %}
{% endmacro %}

{% macro touch_months_of_units_met() %}
{{ touch_months_of_units('select meter, billing_month from ops.whatsapp_units_met') }}
{% endmacro %}

{% macro touch_months_of_units_mapped(relation) %}
{{ touch_months_of_units(
    'select meter, billing_month from ' ~ relation ~ ' where mapped_batch > ' ~ metered_batch()
) }}
{% endmacro %}

{% macro forget_units_met(relation) %}
{% if execute and is_incremental() %}
delete from {{ relation }}
{%- if not every_unit_touched() %}
where {{ within_span_of('occurred_at', 'ops.whatsapp_units_met') }}
    and unit_hash in (select unit_hash from ops.whatsapp_units_met)
    and (meter, waba_id, unit_id) in (select (meter, waba_id, unit_id) from ops.whatsapp_units_met)
{%- endif %}
{% else %}select 1{% endif %}
{% endmacro %}

{# WAP-08: one answer more or less can move every later window of its customer, so the windows before and after are
   compared. The months where they differ are touched, and the months after those, into which a window may reach. #}
{% macro keep_windows_before(relation) %}
create or replace table ops.whatsapp_windows_before as
{% if execute and relation_exists(relation) %}
select window_id, billing_month from {{ relation }}
{% else %}
select ''::varchar as window_id, date '1970-01-01' as billing_month where false
{% endif %}
{% endmacro %}

{% macro touch_months_of_windows_moved(relation) %}
insert into ops.touched_months (source, billing_month)
select distinct
    'whatsapp_webhooks', cast(windows.billing_month + to_months(reach.months::integer) as date)
from (
    (
        select window_id, billing_month from {{ relation }}
        except
        select window_id, billing_month from ops.whatsapp_windows_before
    )
    union all
    (
        select window_id, billing_month from ops.whatsapp_windows_before
        except
        select window_id, billing_month from {{ relation }}
    )
) as windows
cross join (values (0), (1)) as reach (months)
{% endmacro %}
