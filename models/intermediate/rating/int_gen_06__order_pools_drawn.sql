-- GEN-06: usage split into what an Order includes and what is left to charge.
-- Grain: as int_gen_06__usage_by_price_version. The included quantity is used up in order of time, then key: a
-- price that comes back later in the month draws again in its turn. Note: an override in force at the month's
-- last instant counts for the whole month.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__usage_by_price_version') }} {{ where_moved() }}
),

pools as (
    select * from {{ ref('int_gen_06__order_pools') }}
),

-- Only what an Order's pool may cover is looked at by segment.
segments as (
    select * from {{ ref('int_gen_06__usage_to_price') }}
    where relief = 'none' and tenant_id in (select pools.tenant_id from pools) {{ and_moved() }}
),

prices as (
    select * from {{ ref('int_gen_06__prices_chosen') }} {{ where_moved() }}
),

order_prices as (
    select * from {{ ref('int_gen_06__order_prices') }}
    where {{ ever_in_force('valid_from', 'valid_to') }}
),

pools_found as (
    select
        usage.tenant_id, usage.billing_month, usage.meter, usage.price_key,
        usage.relief, usage.price_id,
        pools.included_quantity,
        pools.price_key as pool_key,
    from usage
    inner join pools
        on
            usage.tenant_id = pools.tenant_id
            and usage.meter = pools.meter
            and usage.relief = 'none'
            and pools.price_key in (usage.price_key, '')
            and {{ in_force_at_month_end('pools.valid_from', 'pools.valid_to', 'usage.billing_month') }}
    qualify
        row_number() over (
            partition by
                usage.tenant_id, usage.billing_month, usage.meter, usage.price_key,
                usage.relief, usage.price_id
            order by
                pools.price_key desc,
                pools.valid_from desc,
                pools.order_id desc
        ) = 1
),

segments_of_pools as (
    select
        pools_found.*,
        segments.segment_from,
        segments.quantity as metered_quantity,
        sum(segments.quantity) over (
            partition by
                segments.tenant_id, segments.billing_month, segments.meter,
                segments.price_key, pools_found.price_id
            order by segments.segment_from
        ) as metered_until,
    from segments
    left join prices
        on
            segments.tenant_id = prices.tenant_id
            and segments.billing_month = prices.billing_month
            and segments.meter = prices.meter
            and segments.price_key = prices.price_key
            and segments.segment_from = prices.segment_from
    inner join pools_found
        on
            segments.tenant_id = pools_found.tenant_id
            and segments.billing_month = pools_found.billing_month
            and segments.meter = pools_found.meter
            and segments.price_key = pools_found.price_key
            and coalesce(prices.price_id, '') = pools_found.price_id
),

-- TRW-02: words are rounded up once per price version, so a word belongs to the segment in which it begins.
segments_counted as (
    select
        *,
        case
            when meter = 'translated_word'
                then
                    {{ ceil_div('metered_until', 5) }}
                    - {{ ceil_div('(metered_until - metered_quantity)', 5) }}
            else metered_quantity
        end as quantity,
    from segments_of_pools
),

price_changes as (
    select tenant_id, meter, valid_from as changed_at from order_prices
    union
    select tenant_id, meter, valid_to as changed_at from order_prices
    where valid_to is not null
),

-- A segment may also begin where nothing but the plan changes: a stretch begins where one of the meter's prices does.
stretches_found as (
    select
        segments_counted.*,
        coalesce(price_changes.changed_at, cast(segments_counted.billing_month as timestamp))
            as stretch_from,
    from segments_counted
    asof left join price_changes
        on
            segments_counted.tenant_id = price_changes.tenant_id
            and segments_counted.meter = price_changes.meter
            and segments_counted.segment_from >= price_changes.changed_at
),

segments_cumulated as (
    select
        *,
        coalesce(sum(quantity) over (
            partition by tenant_id, billing_month, meter, pool_key
            order by stretch_from, price_key, segment_from
            rows between unbounded preceding and 1 preceding
        ), 0) as quantity_before,
    from stretches_found
),

drawn as (
    select
        tenant_id,
        billing_month,
        meter,
        price_key,
        relief,
        price_id,
        max(included_quantity) as included_quantity,
        sum(greatest(0, least(quantity, included_quantity - quantity_before)))
            as drawn_quantity,
    from segments_cumulated
    group by tenant_id, billing_month, meter, price_key, relief, price_id
)

select
    usage.*,
    coalesce(drawn.included_quantity, 0)::bigint as order_pool_quantity,
    coalesce(drawn.drawn_quantity, 0)::bigint as drawn_quantity,
from usage
left join drawn
    on
        usage.tenant_id = drawn.tenant_id
        and usage.billing_month = drawn.billing_month
        and usage.meter = drawn.meter
        and usage.price_key = drawn.price_key
        and usage.relief = drawn.relief
        and usage.price_id = drawn.price_id
