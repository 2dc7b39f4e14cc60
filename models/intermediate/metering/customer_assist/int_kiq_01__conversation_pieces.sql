-- KIQ-01: one piece per conversation and load: a summary of the conversation's
-- messages that arrived together.
-- Grain: conversation x org x load (a large load in several stretches of parts). Rows are only appended: a
-- conversation with one piece is done, the others are read again (int_kiq_01__exchanges_reread).
{{ config(materialized='incremental', incremental_strategy='append') }}
-- depends_on: {{ ref('int_gen_02__conversation_messages_contested') }}
{%- set stretches = part_stretches('kustomer_messages', last_batch(this) if is_incremental() else 0) %}

{% if is_incremental() %}
-- A record that arrives again was counted when it first arrived.
with counted_before as (
    select record_key
    from {{ ref('int_gen_02__conversation_messages_contested') }}
    where first_load_batch <= {{ last_batch(this) }}
)
{% endif %}

{% for stretch in stretches %}
select
    conversation_id,
    org_id as message_org_id,
    min(sent_at) filter (where {{ is_customer_message() }}) as first_customer_message_at,
    min(sent_at) filter (where {{ is_premium_reply() }}) as first_reply_at,
    max(sent_at) filter (where {{ is_premium_reply() }}) as last_reply_at,
    bool_or({{ is_of_unknown_sender() }}) as has_unknown_sender,
    {{ is_opened_by_business() }} as is_opened_by_business,
    min(sent_at) as first_message_at,
    count(*)::bigint as message_count,
    {{ stretch.parts | first }}::integer as first_part,
    {{ stretch.parts | last }}::integer as last_part,
    {{ stretch.load_batch }}::integer as load_batch,
    {{ kept_hash(['conversation_id']) }} as conversation_hash,
    {{ month_of_piece() }} as piece_month,
from {{ ref('int_gen_02__conversation_messages_states') }}
where
    is_current
    {% if stretch.parts != [0] %}
    and part_number in (0, {{ stretch.parts | join(', ') }})
    and home_part in ({{ stretch.parts | join(', ') }})
    {% endif %}
    {% if is_incremental() %}
    and record_key not in (select counted_before.record_key from counted_before)
    {% endif %}
group by conversation_id, org_id
{% if not loop.last %}union all{% endif %}
{% endfor %}
