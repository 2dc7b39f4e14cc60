-- GEN-07: every invoice line with its amount; the only place where money is rounded.
-- Grain: tenant x month x meter x price key x price version x charge category. Note: what a pool or the first
-- number covers is a line of its own at unit price 0.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__order_pools_drawn') }} {{ where_moved() }}
),

fees as (
    select * from {{ ref('int_wap_04__fees_rated') }} {{ where_moved() }}
),

penalties as (
    select * from {{ ref('int_gen_08__fines_in_currency') }}
    where metered_fate = 'countable' and not is_unrated {{ and_moved() }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

charged as (
    select
        tenant_id, billing_month, meter, price_key, price_id, price_origin,
        price_effective_from, is_placeholder, clause_id,
        'usage' as charge_category,
        quantity as consumed_quantity,
        drawn_quantity as included_quantity,
        0::bigint as drawn_quantity,
        quantity - drawn_quantity as pricing_quantity,
        unit_price,
        cast(null as decimal(18, 6)) as passed_through_amount,
        cast(null as varchar) as amount_currency,
        raw_rows,
    from usage
    where
        relief = 'none' and not is_unrated and quantity > drawn_quantity
),

included as (
    select
        tenant_id, billing_month, meter, price_key,
        case when relief = 'none' then 'order_pool' else relief end as price_id,
        'included' as price_origin,
        billing_month as price_effective_from,
        false as is_placeholder,
        case
            when relief in ('pool', 'meta_free') then 'WAP-06'
            when relief = 'first_number' then 'NUM-02'
            else 'GEN-06'
        end as clause_id,
        'included' as charge_category,
        sum(case when relief = 'none' then drawn_quantity else quantity end)::bigint
            as consumed_quantity,
        sum(case when relief = 'none' then drawn_quantity else quantity end)::bigint
            as included_quantity,
        sum(
            case
                when relief = 'none' then drawn_quantity
                when relief = 'meta_free' then 0
                else quantity
            end
        )::bigint as drawn_quantity,
        sum(case when relief = 'none' then drawn_quantity else quantity end)::bigint
            as pricing_quantity,
        cast(0 as decimal(18, 8)) as unit_price,
        cast(null as decimal(18, 6)) as passed_through_amount,
        cast(null as varchar) as amount_currency,
        sum(case when relief != 'none' or quantity = drawn_quantity then raw_rows else 0 end)
        ::bigint as raw_rows,
    from usage
    where relief != 'none' or drawn_quantity > 0
    group by tenant_id, billing_month, meter, price_key, relief
),

fees_charged as (
    select
        tenant_id, billing_month, 'whatsapp_fee' as meter, price_key, price_id,
        price_origin, price_effective_from, is_placeholder, 'WAP-04' as clause_id,
        'usage' as charge_category,
        quantity as consumed_quantity,
        0::bigint as included_quantity,
        0::bigint as drawn_quantity,
        quantity as pricing_quantity,
        unit_price,
        cast(null as decimal(18, 6)) as passed_through_amount,
        cast(null as varchar) as amount_currency,
        0::bigint as raw_rows,
    from fees
    where unit_price > 0
),

passed_through as (
    select
        tenant_id, billing_month, meter, price_key,
        'notice|' || price_key as price_id,
        'passed_through' as price_origin,
        billing_month as price_effective_from,
        false as is_placeholder,
        clause_id,
        case when quantity < 0 then 'credit' else 'usage' end as charge_category,
        quantity as consumed_quantity,
        0::bigint as included_quantity,
        0::bigint as drawn_quantity,
        quantity as pricing_quantity,
        cast(amount as decimal(18, 8)) as unit_price,
        amount as passed_through_amount,
        currency_code as amount_currency,
        raw_rows,
    from penalties
),

lines_united as (
    select * from charged
    union all
    select * from included
    union all
    select * from fees_charged
    union all
    select * from passed_through
),

amounts_made as (
    select
        lines_united.*,
        coalesce(lines_united.amount_currency, {{ currency_of_month() }}) as currency_code,
        currencies.minor_unit,
        cast(
            cast(lines_united.pricing_quantity as decimal(18, 0))
            * lines_united.unit_price as decimal(36, 8)
        ) as rated_amount,
    from lines_united
    inner join tenants on lines_united.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('lines_united') }}
    inner join currencies
        on
            coalesce(lines_united.amount_currency, {{ currency_of_month() }})
            = currencies.currency_code
)

select
    * exclude (minor_unit, passed_through_amount, amount_currency),
    {{ round_to_minor_unit('rated_amount', 'minor_unit') }} as billed_amount,
from amounts_made
