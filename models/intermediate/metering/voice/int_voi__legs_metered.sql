-- VOI-01, VOI-02: billable legs and their minutes, each leg rounded up on its own.
-- Grain: call leg. Note: rounding the sum instead would bill less than the contract provides.
{{ config(materialized='view') }}

with legs as (
    select * from {{ ref('int_voi_01__legs_classified') }}
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'twilio'
),

tenants_found as (
    select
        legs.*,
        accounts.tenant_id,
        accounts.account_kind,
    from legs
    left join accounts
        on
            legs.account_sid = accounts.account_id
            and {{ in_force('coalesce(legs.start_time, legs.date_created)', 'accounts.valid_from', 'accounts.valid_to') }}
),

reasons_given as (
    select
        *,
        case
            when duration = 0 and status = 'completed' then 'zero_duration'
            when coalesce(duration, 0) = 0 and status != 'completed' then 'not_completed'
            when status != 'completed' then 'duration_without_completion'
            -- It is unclear which party is outside, so the leg is held.
            when not (is_inbound or is_outbound) then 'unknown_direction'
            when is_agent_leg then 'agent_leg'
            -- The call took place but its length is not known yet; it must not count as zero, so it is held.
            when duration is null then 'missing_duration'
            when start_time is null then 'missing_start_time'
            when price_key is null then 'unknown_party'
        end as meter_reason,
    from tenants_found
)

select
    'twilio_calls' as source,
    record_key,
    account_sid,
    is_inbound,
    tenant_id,
    {{ billing_month('coalesce(start_time, date_created)') }} as billing_month,
    coalesce(start_time, date_created) as occurred_at,
    'voice_minute' as meter,
    coalesce(price_key, '') as price_key,
    {{ ceil_div('coalesce(duration, 0)', 60) }}::bigint as quantity,
    {{ account_fate("case when meter_reason is null then 'countable'
        when meter_reason in ('duration_without_completion', 'unknown_direction',
            'missing_duration', 'missing_start_time', 'unknown_party') then 'quarantined'
        else 'excluded' end") }} as metered_fate,
    {{ account_reason('meter_reason') }} as reason,
    meter_reason,
    'none' as relief,
    'VOI-03' as clause_id,
    1::bigint as raw_rows,
    part_number,
from reasons_given
