-- NUM-01: from when until when a tenant had a number, from the number event log.
-- Grain: tenant x number x interval. Adding a number that is already there changes nothing.
with events as (
    select
        *,
        max(occurred_at) over (partition by tenant_id) as log_ends_at,
    from {{ ref('int_gen_02__number_events_states') }}
    where is_current and event in ('added', 'removed')
),

runs_marked as (
    select
        *,
        lag(event) over (
            partition by tenant_id, phone_number
            order by occurred_at, event desc, number_type
        ) as event_before,
    from events
),

edges as (
    select * from runs_marked
    where event_before is null or event_before != event
)

select
    tenant_id,
    phone_number,
    number_type,
    occurred_at as added_at,
    lead(occurred_at) over (
        partition by tenant_id, phone_number order by occurred_at, event desc
    ) as removed_at,
    log_ends_at,
    event,
from edges
qualify event = 'added'
