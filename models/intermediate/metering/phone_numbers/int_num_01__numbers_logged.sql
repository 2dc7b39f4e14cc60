-- NUM-01: every entry of the number event log, with its number in E.164 however it was written.
-- Grain: log entry. Note: 12125550100 and +1 (212) 555-0100 are one number and billed once. Text that is not
-- a number is kept as it is, and the entry is held.
with events as (
    select * from {{ ref('int_gen_02__number_events_states') }} where is_current
),

numbers_read as (
    select
        *,
        {{ written_as_e164('phone_number') }} as e164_number,
    from events
)

select
    record_key,
    tenant_id,
    coalesce(e164_number, phone_number) as phone_number,
    e164_number is not null as is_number,
    number_type,
    event,
    occurred_at,
from numbers_read
