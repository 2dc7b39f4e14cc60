-- VOI-04: recording minutes, under the price key of the leg that was recorded.
-- Grain: recording. An agent's leg has no key of its own and takes that of its parent leg.
{{ config(materialized='view', post_hook='{{ touch_months_of_recordings() }}') }}

with recordings as (
    select * from {{ ref('int_gen_02__recordings_states') }} where is_current
),

statuses as (
    select * from {{ ref('statuses') }} where record_type = 'recording'
),

-- Few calls are recorded, so only their legs and the parents of those legs are read.
legs as (
    select call_sid, parent_call_sid, is_agent_leg, price_key
    from {{ ref('int_voi_01__legs_classified') }}
    where call_sid in (select recordings.call_sid from recordings)
),

parents as (
    select call_sid, price_key
    from {{ ref('int_voi_01__legs_classified') }}
    where call_sid in (select legs.parent_call_sid from legs)
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'twilio'
),

keys_found as (
    select
        recordings.*,
        statuses.status is not null as is_known_status,
        case
            when legs.is_agent_leg then coalesce(parents.price_key, 'inbound_local')
            else legs.price_key
        end as price_key,
        accounts.tenant_id,
        accounts.account_kind,
    from recordings
    left join statuses on recordings.status = statuses.status
    left join legs on recordings.call_sid = legs.call_sid
    left join parents on legs.parent_call_sid = parents.call_sid
    left join accounts
        on
            recordings.account_sid = accounts.account_id
            and {{ in_force('recordings.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
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
            when price_key is null then 'unknown_call'
        end as meter_reason,
    from keys_found
)

select
    'twilio_recordings' as source,
    record_key,
    account_sid,
    tenant_id,
    {{ billing_month('occurred_at') }} as billing_month,
    occurred_at,
    'recording_minute' as meter,
    coalesce(price_key, '') as price_key,
    {{ ceil_div('coalesce(duration, 0)', 60) }}::bigint as quantity,
    {{ account_fate("case when meter_reason is null then 'countable'
        when meter_reason in ('unknown_status', 'missing_duration', 'unknown_call') then 'quarantined'
        else 'excluded' end") }} as metered_fate,
    {{ account_reason('meter_reason') }} as reason,
    'none' as relief,
    'VOI-04' as clause_id,
    1::bigint as raw_rows,
    part_number,
from reasons_given
