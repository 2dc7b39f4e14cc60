-- NUM-01: from when until when a tenant had a number, from the number event log.
-- Grain: tenant x number x interval. Adding a number that is already there changes nothing. Note: if a number
-- is added and removed at the same instant, the state before decides. A number that was there is removed and
-- added again; one that was not is added and removed, and not kept forever.
with events as (
    select
        *,
        max(occurred_at) over (partition by tenant_id) as log_ends_at,
    from {{ ref('int_num_01__numbers_logged') }}
    where is_number and event in ('added', 'removed')
),

-- An instant with both events leaves the state as it was.
instants as (
    select
        tenant_id,
        phone_number,
        occurred_at,
        case when min(event) = max(event) then min(event) end as event_alone,
    from events
    group by tenant_id, phone_number, occurred_at
),

states_before as (
    select
        *,
        coalesce(
            last_value(event_alone ignore nulls) over (
                partition by tenant_id, phone_number
                order by occurred_at
                rows between unbounded preceding and 1 preceding
            ),
            'removed'
        ) as state_before,
    from instants
),

events_ordered as (
    select
        events.*,
        events.event = states_before.state_before as is_second_of_instant,
    from events
    inner join states_before
        on
            events.tenant_id = states_before.tenant_id
            and events.phone_number = states_before.phone_number
            and events.occurred_at = states_before.occurred_at
),

runs_marked as (
    select
        *,
        lag(event) over (
            partition by tenant_id, phone_number
            order by occurred_at, is_second_of_instant, number_type
        ) as event_before,
    from events_ordered
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
        partition by tenant_id, phone_number order by occurred_at, is_second_of_instant
    ) as removed_at,
    log_ends_at,
    event,
from edges
qualify event = 'added'
