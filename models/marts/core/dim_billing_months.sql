-- Billing months with their start (inclusive) and end (exclusive) in UTC (GEN-01).
-- Grain: billing month, 2022 to 2035.
with months as (
    select
        cast(unnest(range(date '2022-01-01', date '2036-01-01', interval 1 month)) as date)
            as billing_month
)

select
    billing_month,
    cast(billing_month as timestamp) as starts_at,
    cast({{ next_month('billing_month') }} as timestamp) as ends_at,
    cast({{ next_month('billing_month') }} - billing_month as integer) as days,
from months
