-- GEN-01: the months there is anything to invoice for; open intervals run to the last of them.
-- Grain: billing month. Without it a number never removed would be charged for all time.
with event_usage as (
    select * from {{ ref('int_gen_05__event_usage_aggregated') }}
    where metered_fate = 'countable'
),

snapshots as (
    select * from {{ ref('int_gen_02__storage_snapshots_states') }} where is_current
),

number_events as (
    select * from {{ ref('int_gen_02__number_events_states') }} where is_current
)

select distinct billing_month from event_usage
union
select distinct {{ billing_month('taken_at') }} from snapshots
union
select distinct {{ billing_month('occurred_at') }} from number_events
