-- GEN-01: the months in which there is anything to invoice; open intervals run to the last of them.
-- Grain: billing month, without gaps.
with evident as (
    select distinct billing_month from {{ ref('int_gen_01__tenant_months_evident') }}
),

number_events as (
    select distinct {{ billing_month('occurred_at') }} as billing_month
    from {{ ref('int_gen_02__number_events_states') }}
    where is_current
),

months as (
    select billing_month from evident
    union
    select billing_month from number_events
),

bounds as (
    select min(billing_month) as first_month, max(billing_month) as last_month
    from months
)

select
    cast(
        unnest(range(first_month, {{ next_month('last_month') }}, interval 1 month))
        as date
    ) as billing_month,
from bounds
