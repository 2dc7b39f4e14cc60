-- PEN-01, PEN-02: fines in the shape of all meters: billed, held, or credited.
-- Grain: notice x billing month. A month closes three days after its end at the earliest
-- (GEN-09): contested before then is held, later the bill stands until overturned.
with penalties as (
    select * from {{ ref('int_pen_01__penalties_attributed') }}
),

dated as (
    select
        *,
        {{ billing_month('posted_at') }} as posted_month,
        cast({{ next_month(billing_month('posted_at')) }} as timestamp) + interval 72 hour
            as posted_month_closes_at,
    from penalties
),

judged as (
    select
        *,
        coalesce(contested_at < posted_month_closes_at, false) as is_held,
        coalesce(overturned_at < posted_month_closes_at, false) as is_never_billed,
    from dated
),

bills as (
    select
        *,
        case
            when status = 'upheld' and is_held then {{ billing_month('upheld_at') }}
            when status = 'overturned' and (is_held or is_never_billed)
                then {{ billing_month('overturned_at') }}
            else posted_month
        end as billing_month,
        1::bigint as quantity,
        1::bigint as raw_rows,
        case
            when tenant_id is null then 'unmapped_number'
            when status not in ('open', 'contested', 'upheld', 'overturned')
                then 'unknown_status'
            when status = 'contested' and is_held then 'contested_held'
            when status = 'overturned' and (is_held or is_never_billed) then 'overturned'
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
        status = 'overturned'
        and not is_held
        and not is_never_billed
        and tenant_id is not null
),

united as (
    select * from bills
    union all
    select * from credits
)

select
    'carrier_penalties' as source,
    record_key,
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
        when quantity < 0 or status in ('upheld', 'contested') then 'PEN-02'
        else 'PEN-01'
    end as clause_id,
    raw_rows,
    amount,
    currency_code,
from united
