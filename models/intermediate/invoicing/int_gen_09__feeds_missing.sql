-- GEN-09: sources of which nothing, or too little, has landed for a month not yet closed, beside the
-- month before. Grain: source x month. Note: the newest month may still be running. While nothing of
-- a later month has landed, a source is held against what the other sources have reached.
-- What repeats a record is not counted: a file delivered twice is no fuller a month. Sources that
-- come by occasion are left out: a month without a fine or a payment is nothing to look at.
{% set by_occasion = ['carrier_penalties', 'number_events', 'payments'] %}
with drafts as (
    select distinct billing_month from {{ ref('int_gen_12__invoices_drafted') }}
),

limits as (
    select max(limit_value) filter (where hold = 'feed_missing_percent') as percent,
    from {{ ref('hold_limits') }}
),

counted as (
    select source, billing_month, record_count from {{ ref('int_gen_05__usage_fates') }}
    union all
    select source, billing_month, record_count
    from {{ ref('int_gen_05__supporting_records_counted') }}
),

feeds as (
    select
        source, billing_month,
        sum(record_count)::bigint as record_count,
    from counted
    where billing_month is not null and source not in ('{{ by_occasion | join("', '") }}')
    group by source, billing_month
    having sum(record_count) > 0
),

newest as (
    select max(billing_month) as billing_month from feeds
),

compared as (
    select
        drafts.billing_month,
        before.source,
        coalesce(feeds.record_count, 0) as record_count,
        before.record_count as record_count_before,
        least(coalesce(feeds.record_count, 0) * 100 // before.record_count, 100)
            as percent_landed,
    from drafts
    inner join feeds as before
        on drafts.billing_month = {{ next_month('before.billing_month') }}
    left join feeds
        on before.source = feeds.source and drafts.billing_month = feeds.billing_month
),

-- Of an even number of sources the greater of the two in the middle.
progress as (
    select
        compared.billing_month,
        case
            when compared.billing_month < newest.billing_month then 100
            else -quantile_disc(-compared.percent_landed, 0.5)
        end as percent_reached,
    from compared
    cross join newest
    group by compared.billing_month, newest.billing_month
)

select
    compared.billing_month,
    compared.source,
    compared.record_count,
    compared.record_count_before,
from compared
inner join progress on compared.billing_month = progress.billing_month
cross join limits
where
    compared.record_count = 0
    or compared.record_count * 10000
    < compared.record_count_before * progress.percent_reached * limits.percent
