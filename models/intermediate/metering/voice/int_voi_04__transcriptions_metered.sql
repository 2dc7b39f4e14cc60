-- VOI-04: transcription minutes, at one price whatever was transcribed.
-- Grain: transcription.
{{ config(materialized='view') }}

with transcriptions as (
    select * from {{ ref('int_gen_02__transcriptions_states') }} where is_current
),

statuses as (
    select * from {{ ref('statuses') }} where record_type = 'transcription'
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'twilio'
),

tenants_found as (
    select
        transcriptions.*,
        statuses.status is not null as is_known_status,
        accounts.tenant_id,
        accounts.account_kind,
    from transcriptions
    left join statuses on transcriptions.status = statuses.status
    left join accounts
        on
            transcriptions.account_sid = accounts.account_id
            and {{ in_force('transcriptions.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
),

reasons_given as (
    select
        *,
        case
            -- The status is unknown, so it is unclear whether this was completed; it is held.
            when not is_known_status then 'unknown_status'
            when status != 'completed' then 'not_completed'
            when duration = 0 then 'zero_duration'
            when duration is null then 'missing_duration'
        end as meter_reason,
    from tenants_found
)

select
    'twilio_transcriptions' as source,
    record_key,
    account_sid,
    tenant_id,
    {{ billing_month('occurred_at') }} as billing_month,
    occurred_at,
    'transcription_minute' as meter,
    '' as price_key,
    {{ ceil_div('coalesce(duration, 0)', 60) }}::bigint as quantity,
    {{ account_fate("case when meter_reason is null then 'countable'
        when meter_reason in ('unknown_status', 'missing_duration') then 'quarantined'
        else 'excluded' end") }} as metered_fate,
    {{ account_reason('meter_reason') }} as reason,
    'none' as relief,
    'VOI-04' as clause_id,
    1::bigint as raw_rows,
    part_number,
from reasons_given
