-- NUM-01: the first month in which a tenant's numbers cost anything, and the month from which a number costs from
-- its being added on, whatever the tenant used.
-- Grain: tenant with usage or snapshots of its own. Note: numbers are often known and invoiced before the
-- first call. That call shows when other usage began; it does not reverse what was already invoiced, nor what a
-- number costs that was added when metering had begun here.
with evident as (
    select * from {{ ref('int_gen_01__tenant_months_evident') }}
),

closed_lines as (
    select * from {{ source('ledger', 'closed_lines') }}
),

closings as (
    select * from {{ source('ledger', 'closings') }} where tenant_id is null
),

invoiced as (
    select tenant_id, min(usage_month) as first_month
    from closed_lines
    where meter = 'phone_number'
    group by tenant_id
),

own as (
    select tenant_id, min(billing_month) as first_month
    from evident
    group by tenant_id
),

months_counted as (
    select
        billing_month,
        count(*) as tenant_count,
        lag(billing_month) over (order by billing_month) as month_before,
    from evident
    group by billing_month
),

-- A stray record of years ago or ahead is a stretch of its own: the stretch with the most tenant months decides.
stretches_numbered as (
    select
        billing_month,
        tenant_count,
        sum(case when billing_month = {{ next_month('month_before') }} then 0 else 1 end)
            over (order by billing_month) as stretch,
    from months_counted
),

longest_stretch as (
    select min(billing_month) as first_month
    from stretches_numbered
    group by stretch
    order by sum(tenant_count) desc, min(billing_month)
    limit 1
),

first_closed as (
    select min(billing_month) as first_month from closings
)

select
    own.tenant_id,
    least(own.first_month, coalesce(invoiced.first_month, own.first_month)) as first_month,
    coalesce(first_closed.first_month, longest_stretch.first_month) as counted_from,
from own
cross join longest_stretch
cross join first_closed
left join invoiced on own.tenant_id = invoiced.tenant_id
