-- WAP-01, WAP-03: what the statuses of one outbound message say together.
-- Grain: WABA x wamid. Trap: pricing, conversation and category may stand on any status, in
-- any order; later API versions leave some of them out. Statuses that come in later loads are
-- added to what is known, for each of these figures is a greatest, a least or a sum; a message
-- one of whose statuses itself changed is gathered anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['waba_id', 'wamid'],
    pre_hook=["{{ note_conversations_left(this) }}", "{{ forget_messages_changed(this) }}"],
) }}
{%- set newer_than = last_batch(this) if is_incremental() else 0 %}

with events as (
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
    select distinct waba_id, wamid
    from contested
    where record_key in (
        select contested.record_key
        from contested
        group by contested.record_key
        having
            count(*) > 1
            and max(contested.load_batch) > {{ newer_than }}
            and min(contested.first_load_batch) <= {{ newer_than }}
    )
),

events_to_gather as (
    select events.* from events
    anti join changed using (waba_id, wamid)
    where
        events.load_batch > {{ newer_than }}
        and events.record_key not in (select counted_before.record_key from counted_before)
    union all
    select events.* from events
    inner join changed using (waba_id, wamid)
),
{% else %}
events_to_gather as (
    select * from events
),
{% endif %}

gathered as (
    select
        waba_id,
        wamid,
        max(conversation_id) as conversation_id,
        max(recipient_id) as recipient_id,
        max(upper(pricing_model)) as pricing_model,
        max(lower(pricing_type)) as pricing_type,
        max(replace(lower(pricing_category), '-', '_')) as pricing_category,
        max(replace(lower(origin_type), '-', '_')) as origin_type,
        bool_or(billable is false) as has_unbillable_status,
        min(expires_at) as expires_at,
        min(event_at) filter (where status in ('sent', 'delivered', 'read'))
            as first_progress_at,
        min(event_at) filter (where status = 'delivered') as delivered_at,
        min(event_at) filter (where status = 'read') as read_at,
        min(event_at) as first_event_at,
        bool_or(status in ('delivered', 'read')) as is_delivered,
        count(*)::bigint as raw_rows,
        max(load_batch)::integer as load_batch,
    from events_to_gather
    group by waba_id, wamid
)

{% if is_incremental() %},

known as (
    select known.* from {{ this }} as known
    inner join gathered using (waba_id, wamid)
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
    max(conversation_id) as conversation_id,
    max(recipient_id) as recipient_id,
    max(pricing_model) as pricing_model,
    max(pricing_type) as pricing_type,
    max(pricing_category) as pricing_category,
    max(origin_type) as origin_type,
    bool_or(has_unbillable_status) as has_unbillable_status,
    min(expires_at) as expires_at,
    min(first_progress_at) as first_progress_at,
    min(delivered_at) as delivered_at,
    min(read_at) as read_at,
    min(first_event_at) as first_event_at,
    bool_or(is_delivered) as is_delivered,
    sum(raw_rows)::bigint as raw_rows,
    max(load_batch)::integer as load_batch,
from pieces
group by waba_id, wamid
{% else %}
select * from gathered
{% endif %}
