-- WAP-01, WAP-03: all statuses of one outbound message combined.
-- Grain: WABA x wamid. Note: pricing, conversation and category may be on any status, in any
-- order; later API versions leave some of them out. Statuses from later loads are added to what
-- is known, because each of these figures is a maximum, a minimum or a sum. A message with a
-- status that itself changed is gathered again.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=[
        "{{ note_messages_met(this) }}",
        "{{ note_messages_as_they_were() }}",
        "{{ forget_messages_met(this) }}",
    ],
) }}
-- depends_on: {{ ref('int_gen_02__whatsapp_events_contested') }}
{%- set newer_than = last_batch(this) if is_incremental() else 0 %}
{#- Column, how several statuses are combined, the value of one status. -#}
{%- set figures = [
    ('conversation_id', 'max', 'conversation_id'),
    ('recipient_id', 'max', 'recipient_id'),
    ('pricing_model', 'max', 'upper(pricing_model)'),
    ('pricing_type', 'max', 'lower(pricing_type)'),
    ('pricing_category', 'max', "replace(lower(pricing_category), '-', '_')"),
    ('origin_type', 'max', "replace(lower(origin_type), '-', '_')"),
    ('has_unbillable_status', 'bool_or', 'billable is false'),
    ('expires_at', 'min', 'expires_at'),
    ('first_progress_at', 'min',
        "case when status in ('sent', 'delivered', 'read') then event_at end"),
    ('delivered_at', 'min', "case when status = 'delivered' then event_at end"),
    ('read_at', 'min', "case when status = 'read' then event_at end"),
    ('first_event_at', 'min', 'event_at'),
    ('is_delivered', 'bool_or', "status in ('delivered', 'read')"),
    ('raw_rows', 'sum', '1::bigint'),
    ('load_batch', 'max', 'load_batch'),
] %}

with events as {{ not_kept() }} (
    select * from {{ ref('int_gen_02__whatsapp_events_states') }}
    where is_current and coalesce(direction, 'out') != 'in'
),

{% if is_incremental() %}
contested as (
    select * from {{ ref('int_gen_02__whatsapp_events_contested') }}
),

counted_before as (
    select record_key from contested where first_load_batch <= {{ newer_than }}
),

changed as (
    {{ whatsapp_messages_contested(newer_than) }}
),

events_to_gather as (
    select events.* from events
    anti join changed using (waba_id, wamid)
    where
        events.load_batch > {{ newer_than }}
        and events.record_key not in (select counted_before.record_key from counted_before)
    union all
    select events.* from events
    semi join changed using (waba_id, wamid)
),
{% else %}
events_to_gather as {{ not_kept() }} (
    select * from events
),
{% endif %}

messages_of_several as (
    select {{ row_hash(['waba_id', 'wamid']) }} as message_hash
    from events_to_gather
    group by {{ row_hash(['waba_id', 'wamid']) }}
    having count(*) > 1
),

-- A message with one status takes its values; only the others are combined.
gathered as (
    select
        waba_id,
        wamid,
        {% for name, _, said in figures %}{{ said }} as {{ name }},
        {% endfor %}
    from events_to_gather
    where {{ row_hash(['waba_id', 'wamid']) }} not in (
        select messages_of_several.message_hash from messages_of_several
    )
    union all
    select
        waba_id,
        wamid,
        {% for name, together, said in figures %}{{ together }}({{ said }}) as {{ name }},
        {% endfor %}
    from events_to_gather
    where {{ row_hash(['waba_id', 'wamid']) }} in (
        select messages_of_several.message_hash from messages_of_several
    )
    group by waba_id, wamid
)

{% if is_incremental() %},

known as (
    select known.* from ops.whatsapp_messages_met as known
    anti join changed using (waba_id, wamid)
),

pieces as (
    select * from gathered
    union all by name
    select * from known
)

select
    waba_id,
    wamid,
    {% for name, together, _ in figures if name != 'load_batch' %}{{ together }}({{ name }})
    {{- '::bigint' if name == 'raw_rows' }} as {{ name }},
    {% endfor %}
    -- Also set if the newest status was taken back, because the message has changed.
    {{ newest_batch() }}::integer as load_batch,
    {{ kept_hash(['waba_id', 'wamid']) }} as message_hash,
from pieces
group by waba_id, wamid
{% else %}
select
    * replace (raw_rows::bigint as raw_rows),
    {{ kept_hash(['waba_id', 'wamid']) }} as message_hash,
from gathered
{% endif %}
