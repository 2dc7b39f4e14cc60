{# KIQ-01..04: every conversation with messages, what it is counted as and in which month; of all months, or of those
   given. If months are given, a conversation's own row is searched first where it most likely is, among those created
   in these months or the ones before them, and only the remaining ones among all: finding each month's own rows among
   17 million took twice the work. Defined only here, for the view and for the sums of the months touched. #}
{% macro kiq_usage(months=none) %}
{%- set asked = [
    'conversation_id', 'message_org_id', 'has_premium_reply', 'has_unknown_sender', 'exchange_completed_at', 'occurred_at',
    'message_count',
] | join(', ') %}
with exchanges as (
    select {{ asked }} from {{ ref('int_kiq_01__exchanges_completed') }}
    {% if months is not none %}where {{ in_months_of('occurred_at', months) }}{% endif %}
),

-- Only the columns needed of a conversation, selected before the join: it covers millions of rows.
conversations_asked as {{ not_kept() }} (
    select
        conversation_id,
        org_id,
        coalesce(spam, false) as is_spam,
        imported_at is not null as is_imported,
        ended_at is not null and transferred_to_agent_at is null as is_ended_unassisted,
        part_number,
    from {{ ref('int_gen_02__conversations_states') }}
    where is_current
),

{% if months is none %}
conversations_found as (
    {{ with_own_row('exchanges', 'conversations_asked') }}
),
{% else %}
{%- set parts_near = numbers_found(parts_of_conversations_in(months)) %}
conversations_near as (
    select * from conversations_asked where part_number in ({{ parts_near }})
),

found_near as materialized (
    {{ with_own_row('exchanges', 'conversations_near') }}
),

not_found_near as (
    select {{ asked }} from found_near where not is_known
),

-- If all were found near, the engine reads nothing here.
conversations_elsewhere as (
    select * from conversations_asked
    where
        part_number not in ({{ parts_near }})
        and conversation_id in (select not_found_near.conversation_id from not_found_near)
),

conversations_found as (
    select * from found_near where is_known
    union all
    {{ with_own_row('not_found_near', 'conversations_elsewhere') }}
),
{% endif %}

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'kustomer'
),

reopened as (
    select * from {{ ref('int_kiq_03__conversations_reopened') }}
),

basis as (
    select * from {{ ref('int_kiq_03__bases_in_force') }}
),

settings as (
    select * from {{ ref('int_gen_06__settings_effective') }} where setting = 'kiq_basis'
),

conversations_dated as (
    select
        conversations_found.*,
        coalesce(conversations_found.own_org_id, conversations_found.message_org_id) as org_id,
        -- Ended, never handed to a person, and the customer did not come back within 24 hours.
        conversations_found.is_ended_unassisted and reopened.conversation_id is null
            as is_kiq_03,
    from conversations_found
    left join reopened on conversations_found.conversation_id = reopened.conversation_id
),

tenants_found as (
    select
        conversations_dated.*,
        accounts.tenant_id,
        accounts.account_kind,
        -- GEN-06: the Order takes precedence over the price book.
        coalesce(basis.kiq_basis, settings.setting_value, 'kiq_01') as kiq_basis,
    from conversations_dated
    left join accounts
        on
            conversations_dated.org_id = accounts.account_id
            and {{ in_force('conversations_dated.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
    left join basis
        on
            accounts.tenant_id = basis.tenant_id
            and {{ in_force('conversations_dated.occurred_at', 'basis.valid_from', 'basis.valid_to') }}
    left join settings
        on
            {{ in_force('cast(conversations_dated.occurred_at as date)', 'settings.effective_from', 'settings.effective_until', "date '9999-12-31'") }}
),

reasons_given as (
    select
        *,
        case
            -- A conversation that would count if the sender were known is held until the sender is known.
            when
                exchange_completed_at is null and has_unknown_sender
                and not is_spam and not is_imported
                and (kiq_basis != 'kiq_03' or is_kiq_03)
                then 'unknown_sender'
            when not has_premium_reply then 'no_premium_reply'
            when exchange_completed_at is null then 'no_back_and_forth'
            when is_spam then 'spam'
            when is_imported then 'imported'
            when kiq_basis = 'kiq_03' and not is_kiq_03 then 'not_resolved_unassisted'
            when not is_known then 'unknown_conversation'
        end as meter_reason,
    from tenants_found
)

select
    'kustomer_messages' as source,
    conversation_id as record_key,
    org_id,
    tenant_id,
    {{ billing_month('occurred_at') }} as billing_month,
    occurred_at,
    'kiq_conversation' as meter,
    '' as price_key,
    1::bigint as quantity,
    {{ account_fate("case when meter_reason is null then 'countable'
        when meter_reason in ('unknown_sender', 'unknown_conversation') then 'quarantined'
        else 'excluded' end") }} as metered_fate,
    {{ account_reason('meter_reason') }} as reason,
    'none' as relief,
    case when kiq_basis = 'kiq_03' then 'KIQ-03' else 'KIQ-01' end as clause_id,
    message_count as raw_rows,
    is_kiq_03,
from reasons_given
{% endmacro %}

{# Exchanges with the details of their conversations' own rows. A conversation without such a row is assumed to be
   neither spam nor imported. #}
{% macro with_own_row(exchanges, conversations) %}
select
    exchanges.*,
    own_rows.conversation_id is not null as is_known,
    own_rows.org_id as own_org_id,
    coalesce(own_rows.is_spam, false) as is_spam,
    coalesce(own_rows.is_imported, false) as is_imported,
    coalesce(own_rows.is_ended_unassisted, false) as is_ended_unassisted,
from {{ exchanges }} as exchanges
left join {{ conversations }} as own_rows on exchanges.conversation_id = own_rows.conversation_id
{% endmacro %}

{# The parts with conversations created in these months, or in the ones before them. #}
{% macro parts_of_conversations_in(months) %}
select distinct part_number from ops.part_months
where source = 'kustomer_conversations' and billing_month in (
    date '9999-12-01'
    {%- for month in months %}, date '{{ month }}', cast(date '{{ month }}' - interval 1 month as date){% endfor %}
)
{% endmacro %}
