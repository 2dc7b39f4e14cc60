-- NUM-01, NUM-02: number fees in the common form of all meters, and the rest of the number log.
-- Grain: tenant x number x month, or log entry that only ends an interval or is held. A fee of a later month
-- has no record of its own (raw_rows 0): the number was added before.
with numbers as (
    select * from {{ ref('int_num_02__first_number_included') }}
),

events as (
    select * from {{ ref('int_num_01__numbers_logged') }}
),

added_counted as (
    select
        tenant_id,
        phone_number,
        {{ billing_month('occurred_at') }} as billing_month,
        count(*)::bigint as raw_rows,
    from events
    where is_number and event = 'added'
    group by tenant_id, phone_number, {{ billing_month('occurred_at') }}
)

select
    'number_events' as source,
    numbers.tenant_id || '|' || numbers.phone_number as record_key,
    numbers.phone_number,
    numbers.tenant_id,
    numbers.billing_month,
    greatest(numbers.added_at, cast(numbers.billing_month as timestamp)) as occurred_at,
    'phone_number' as meter,
    numbers.price_key,
    1::bigint as quantity,
    'countable' as metered_fate,
    cast(null as varchar) as reason,
    case when numbers.is_included then 'first_number' else 'none' end as relief,
    'NUM-01' as clause_id,
    coalesce(added_counted.raw_rows, 0)::bigint as raw_rows,
from numbers
left join added_counted
    on
        numbers.tenant_id = added_counted.tenant_id
        and numbers.phone_number = added_counted.phone_number
        and numbers.billing_month = added_counted.billing_month
union all
select
    'number_events' as source,
    events.record_key,
    events.phone_number,
    events.tenant_id,
    {{ billing_month('events.occurred_at') }} as billing_month,
    events.occurred_at,
    'phone_number' as meter,
    '' as price_key,
    0::bigint as quantity,
    case
        when events.is_number and events.event in ('removed', 'added') then 'excluded'
        else 'quarantined'
    end as metered_fate,
    case
        when events.event not in ('removed', 'added') then 'unknown_event'
        when not events.is_number then 'not_a_number'
        when events.event = 'removed' then 'closes_interval'
        else 'before_first_metered_month'
    end as reason,
    'none' as relief,
    'NUM-01' as clause_id,
    1::bigint as raw_rows,
from events
left join numbers
    on
        events.tenant_id = numbers.tenant_id
        and events.phone_number = numbers.phone_number
        and {{ billing_month('events.occurred_at') }} = numbers.billing_month
-- An entry that adds a number is behind the fee of its month, if there is one.
where events.event != 'added' or not events.is_number or numbers.tenant_id is null
