-- MSG-01..03: every SMS and MMS, its unit and whether its status is billed.
-- Grain: message. Note: the prefix of the sid does not identify an MMS; num_media does.
{{ config(materialized='view') }}

with messages as (
    select * from {{ ref('int_gen_02__text_messages_states') }} where is_current
),

statuses as (
    select * from {{ ref('statuses') }} where record_type = 'message'
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'twilio'
),

tenants_found as (
    select
        messages.*,
        statuses.status is not null as is_known_status,
        coalesce(messages.num_media, 0) > 0 as is_mms,
        messages.direction = 'inbound' as is_inbound,
        messages.direction in ('outbound-api', 'outbound-call', 'outbound-reply')
            as is_outbound,
        coalesce(messages.from_party, '') like 'whatsapp:%'
        or coalesce(messages.to_party, '') like 'whatsapp:%' as is_whatsapp,
        -- rcs:, messenger: and the like. A number, short code or sender's name has no colon.
        coalesce(messages.from_party, '') like '%:%'
        or coalesce(messages.to_party, '') like '%:%' as is_of_a_channel,
        case
            when messages.direction = 'inbound' then messages.status = 'received'
            else messages.status in (
                'sent', 'delivered', 'undelivered', 'read', 'partially_delivered'
            )
        end as is_billable_status,
        accounts.tenant_id,
        accounts.account_kind,
    from messages
    left join statuses on messages.status = statuses.status
    left join accounts
        on
            messages.account_sid = accounts.account_id
            and {{ in_force('messages.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
),

reasons_given as (
    select
        *,
        case
            when is_whatsapp then 'whatsapp_channel'
            -- It is unclear which of the two prices applies, so the message is held.
            when not (is_inbound or is_outbound) then 'unknown_direction'
            when not is_known_status then 'unknown_status'
            when not is_billable_status then 'not_billable_status'
            -- Neither SMS nor MMS, and the contract prices nothing else, so the message is held.
            when is_of_a_channel then 'unknown_channel'
            when not is_mms and coalesce(num_segments, 0) = 0 then 'zero_segments'
        end as meter_reason,
    from tenants_found
)

select
    'twilio_messages' as source,
    record_key,
    account_sid,
    tenant_id,
    {{ billing_month('occurred_at') }} as billing_month,
    occurred_at,
    case when is_mms then 'mms_message' else 'sms_segment' end as meter,
    case when is_inbound then 'inbound' when is_outbound then 'outbound' else '' end
        as price_key,
    case when is_mms then 1 else coalesce(num_segments, 0) end::bigint as quantity,
    {{ account_fate("case when meter_reason is null then 'countable'
        when meter_reason in (
            'unknown_direction', 'unknown_status', 'unknown_channel', 'zero_segments'
        ) then 'quarantined'
        else 'excluded' end") }} as metered_fate,
    {{ account_reason('meter_reason') }} as reason,
    meter_reason,
    'none' as relief,
    case
        when meter_reason in ('unknown_status', 'not_billable_status') then 'MSG-02'
        when meter_reason in ('whatsapp_channel', 'unknown_channel', 'zero_segments')
            then 'MSG-03'
        else 'MSG-01'
    end as clause_id,
    1::bigint as raw_rows,
    part_number,
from reasons_given
