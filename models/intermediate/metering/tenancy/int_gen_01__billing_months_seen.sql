-- GEN-01: the months there is anything to invoice for; open intervals run to the last of them.
-- Grain: billing month, without gaps. Numbers added before the first metered month are not
-- billed backwards: those months were never this warehouse's to invoice.
with event_usage as (
    select * from {{ ref('int_gen_05__event_usage_aggregated') }}
    where metered_fate = 'countable'
),

snapshots as (
    select * from {{ ref('int_gen_02__storage_snapshots_states') }} where is_current
),

number_events as (
    select * from {{ ref('int_gen_02__number_events_states') }} where is_current
),

usage_months as (
    select distinct billing_month from event_usage
    union
    select distinct {{ billing_month('taken_at') }} as billing_month from snapshots
),

number_months as (
    select distinct {{ billing_month('occurred_at') }} as billing_month
    from number_events
),

bounds as (
    select
        coalesce(
            (select min(billing_month) from usage_months),
            (select min(billing_month) from number_months)
        ) as first_month,
        greatest(
            (select max(billing_month) from usage_months),
            (select max(billing_month) from number_months)
        ) as last_month,
)

select
    cast(
        unnest(range(first_month, {{ next_month('last_month') }}, interval 1 month))
        as date
    ) as billing_month,
from bounds
