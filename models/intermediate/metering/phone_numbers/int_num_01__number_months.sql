-- NUM-01: every month in which a tenant had a number, however briefly, counted once.
-- Grain: tenant x number x month, from the first month the tenant is metered in, or from its being added on if
-- metering had begun here by then. Note: a number removed on the 1st at 00:00:00 is not in that month.
with intervals as (
    select * from {{ ref('int_num_01__number_intervals') }}
),

months as (
    select * from {{ ref('int_gen_01__billing_months_seen') }}
),

evident as (
    select * from {{ ref('int_gen_01__tenant_months_evident') }}
),

metered_from as (
    select * from {{ ref('int_num_01__metered_from') }}
),

-- A number not removed counts up to the last month in which anything was metered
-- or that its tenant's log mentions.
log_months as (
    select
        tenant_id,
        greatest(
            max({{ billing_month('added_at') }}),
            max({{ billing_month('removed_at') }}),
            max({{ billing_month('log_ends_at') }}),
            (select max(evident.billing_month) from evident)
        ) as last_month,
    from intervals
    group by tenant_id
),

area_codes as (
    select * from {{ ref('voice_prefixes') }}
),

months_overlapped as (
    select
        intervals.tenant_id,
        intervals.phone_number,
        months.billing_month,
        min(intervals.added_at) as added_at,
    from intervals
    inner join months
        on
            intervals.added_at < {{ next_month('months.billing_month') }}
            and (
                intervals.removed_at is null
                or intervals.removed_at > months.billing_month
                or intervals.added_at >= months.billing_month
            )
    inner join log_months on intervals.tenant_id = log_months.tenant_id
    left join metered_from on intervals.tenant_id = metered_from.tenant_id
    where
        months.billing_month <= log_months.last_month
        and (
            metered_from.first_month is null
            or months.billing_month >= metered_from.first_month
            or {{ billing_month('intervals.added_at') }} >= metered_from.counted_from
        )
    group by intervals.tenant_id, intervals.phone_number, months.billing_month
)

select
    months_overlapped.*,
    case
        when months_overlapped.phone_number not like '+1%' then 'international'
        when area_codes.region = 'international' then 'international'
        else 'us_ca'
    end as price_key,
from months_overlapped
left join area_codes on substr(months_overlapped.phone_number, 2, 4) = area_codes.calling_prefix
