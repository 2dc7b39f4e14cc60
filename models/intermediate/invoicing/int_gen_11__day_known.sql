-- GEN-11: the newest day the data knows of without its payments, and the last day a payment's date is believed.
-- Grain: one row. Note: models have no clock, and one date typed wrong must not make every invoice past due.
with invoices as (
    select * from {{ source('ledger', 'closed_invoices') }}
),

months as (
    select * from {{ ref('int_gen_01__billing_months_seen') }}
),

limits as (
    select max(limit_value) filter (where hold = 'payment_dated_ahead_days') as days,
    from {{ ref('hold_limits') }}
),

days_known as (
    select max(cast(issued_at as date)) as known_on from invoices
    union all
    select max(billing_month) as known_on from months
)

select
    max(days_known.known_on) as known_on,
    max(days_known.known_on + limits.days::integer) as payments_believed_until,
from days_known
cross join limits
