-- NUM-03: numbers that only the log or only the daily snapshots know.
-- Grain: number, in E.164 on both sides. A finding, never a charge.
with intervals as (
    select * from {{ ref('int_num_01__number_intervals') }}
),

snapshots as (
    select * from {{ ref('int_gen_02__number_snapshots_states') }} where is_current
),

numbers_logged as (
    select phone_number, min(tenant_id) as tenant_id from intervals group by phone_number
),

numbers_seen as (
    select distinct coalesce({{ written_as_e164('phone_number') }}, phone_number)
        as phone_number,
    from snapshots
)

select
    coalesce(numbers_logged.phone_number, numbers_seen.phone_number) as phone_number,
    numbers_logged.tenant_id,
    case
        when numbers_seen.phone_number is null then 'number_not_in_snapshots'
        else 'number_not_in_log'
    end as reason,
from numbers_logged
full outer join numbers_seen on numbers_logged.phone_number = numbers_seen.phone_number
where numbers_logged.phone_number is null or numbers_seen.phone_number is null
