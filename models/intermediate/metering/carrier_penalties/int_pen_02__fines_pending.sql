-- PEN-02: fines that are contested and held, as they are shown: the notice, its amount and when it was posted.
-- Grain: notice. Trap: a fine contested after its month closed is billed and not pending; it is not here.
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
    -- Currencies nobody lists block their tenant's month; here they are shown as most are.
    || {{ billed_text('fines.amount', 'least(coalesce(currencies.minor_unit, 2), 2)') }}
    || ' in notice ' || fines.price_key || ', posted on '
    || cast(fines.occurred_at as date)::varchar || ', is contested and held' as reason,
    fines.raw_rows,
from fines
left join currencies on fines.currency_code = currencies.currency_code
