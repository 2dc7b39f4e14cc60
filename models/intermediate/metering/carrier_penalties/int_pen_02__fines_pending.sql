-- PEN-02: fines that are contested and held, as they are shown: the notice, its
-- amount and when it was posted.
-- Grain: notice. Note: a fine contested after its month closed is billed and not
-- pending, so it is not listed here.
with fines as (
    select * from {{ ref('int_pen__usage_metered') }} where reason = 'contested_held'
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    fines.tenant_id,
    fines.billing_month,
    fines.meter,
    fines.price_key,
    fines.amount,
    fines.currency_code,
    'PEN-02: the fine of ' || fines.currency_code || ' '
    -- An unlisted currency blocks its tenant's month; here it is shown with two decimals, as most are.
    || {{ billed_text('fines.amount', 'least(coalesce(currencies.minor_unit, 2), 2)') }}
    || ' in notice ' || fines.price_key || ', posted on '
    || cast(fines.occurred_at as date)::varchar || ', is contested and held' as reason,
    fines.raw_rows,
from fines
left join currencies on fines.currency_code = currencies.currency_code
