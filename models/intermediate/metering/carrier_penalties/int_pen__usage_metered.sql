-- PEN-01, PEN-02: fines in the common form of all meters: billed, held, or credited.
-- Grain: notice x billing month. A month closes three days after its end at the earliest (GEN-09). A fine
-- disputed before then is held; if it is disputed later, the bill stands until the fine is overturned.
{% set until_the_close = 'interval 72 hour' %}

with penalties as (
    select * from {{ ref('int_pen_01__penalties_attributed') }}
),

posted as (
    select *, {{ billing_month('posted_at') }} as posted_month from penalties
),

disputed as (
    select
        *,
        coalesce(
            disputed_at
            < cast({{ next_month('posted_month') }} as timestamp) + {{ until_the_close }},
            false
        ) as is_held,
        -- A contest does not undo an overturning: the last decision stands.
        overturned_at is not null and status in ('contested', 'overturned')
            as is_overturned,
    from posted
),

dated as (
    select
        *,
        case
            when is_held and upheld_at is not null then {{ billing_month('upheld_at') }}
            else posted_month
        end as charged_month,
    from disputed
),

judged as (
    select
        *,
        is_overturned and (
            (is_held and upheld_at is null)
            or overturned_at
            < cast({{ next_month('charged_month') }} as timestamp) + {{ until_the_close }}
        ) as is_never_billed,
    from dated
),

bills as (
    select
        *,
        case
            when is_never_billed then {{ billing_month('overturned_at') }}
            else charged_month
        end as billing_month,
        1::bigint as quantity,
        1::bigint as raw_rows,
        case
            when tenant_id is null then 'unmapped_number'
            when status not in ('open', 'contested', 'upheld', 'overturned')
                then 'unknown_status'
            -- Only overturning gives a credit: a fine below 0 is not a credit and is held.
            when amount < 0 then 'negative_amount'
            when is_never_billed then 'overturned'
            when status = 'contested' and is_held and upheld_at is null
                then 'contested_held'
        end as reason,
    from judged
),

credits as (
    select
        *,
        {{ billing_month('overturned_at') }} as billing_month,
        (-1)::bigint as quantity,
        0::bigint as raw_rows,
        cast(null as varchar) as reason,
    from judged
    where
        is_overturned
        and not is_never_billed
        and tenant_id is not null
        and amount >= 0
),

united as (
    select * from bills
    union all
    select * from credits
)

select
    'carrier_penalties' as source,
    record_key,
    phone_number,
    tenant_id,
    billing_month,
    posted_at as occurred_at,
    'carrier_penalty' as meter,
    notice_id as price_key,
    quantity,
    case
        when reason is null then 'countable'
        when reason = 'overturned' then 'excluded'
        else 'quarantined'
    end as metered_fate,
    reason,
    'none' as relief,
    case
        when quantity < 0 or is_held then 'PEN-02'
        else 'PEN-01'
    end as clause_id,
    raw_rows,
    amount,
    currency_code,
from united
