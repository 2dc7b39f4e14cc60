-- GEN-06, GEN-10: the terms Orders set, and the reason why a term that cannot be applied has no effect.
-- Grain: current Order term. Note: every model that applies a term reads it here, where rejection is null, so
-- that none applies a term that rpt_findings reports as rejected.
{% set one_pool = "('whatsapp_conversation', 'phone_number', 'data_storage', 'attachment_storage')" %}

with overrides as (
    select * from {{ ref('int_gen_02__order_overrides_states') }} where is_current
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

price_keys as (
    select distinct meter, coalesce(price_key, '') as price_key
    from {{ ref('price_updates') }}
),

markets as (
    select distinct market from {{ ref('whatsapp_markets') }}
    union
    select 'Other' as market
),

categories as (
    select * from {{ ref('whatsapp_categories') }}
),

-- WhatsApp is priced by rate cards: market and category form the key of a unit and of its fee.
keys_known as (
    select meter, price_key from price_keys
    union
    select meters.meter, markets.market || '|' || categories.category as price_key
    from markets
    cross join categories
    cross join (
        values ('whatsapp_conversation'), ('whatsapp_message'), ('whatsapp_fee')
    ) as meters (meter)
),

meters_known as (
    select distinct meter from keys_known
    union
    select 'carrier_penalty' as meter
),

terms_read as (
    select
        overrides.order_id,
        overrides.tenant_id,
        overrides.meter,
        coalesce(overrides.price_key, '') as price_key,
        overrides.override_field,
        trim(overrides.override_value) as override_value,
        overrides.valid_from,
        overrides.valid_to,
        tenants.tenant_id is not null as is_tenant_known,
        meters_known.meter is not null as is_meter_known,
        coalesce(overrides.price_key, '') = '' or keys_known.price_key is not null
            as is_price_key_known,
        -- Digits the column cannot hold would be rounded away, giving a different price or none.
        coalesce(
            regexp_full_match(
                trim(overrides.override_value),
                '[+]?([0-9]+([.][0-9]{0,8}0*)?|[.][0-9]{1,8}0*)'
            ),
            false
        )
        -- Multiplied by a month's quantity it must still fit an amount, or it
        -- would stop the build for all tenants.
        and coalesce(try_cast(overrides.override_value as decimal(18, 8)) < 1000000, false)
            as is_price,
        coalesce(
            regexp_full_match(trim(overrides.override_value), '[+]?[0-9]+([.]0*)?'), false
        )
        and try_cast(overrides.override_value as bigint) is not null as is_quantity,
    from overrides
    left join tenants on overrides.tenant_id = tenants.tenant_id
    left join meters_known on overrides.meter = meters_known.meter
    left join keys_known
        on
            overrides.meter = keys_known.meter
            and overrides.price_key = keys_known.price_key
)

select
    order_id,
    tenant_id,
    meter,
    price_key,
    override_field,
    override_value,
    valid_from,
    valid_to,
    case
        when
            override_field in ('payment_schedule', 'billing_schedule')
            and starts_with(meter, 'whatsapp_')
            then 'GEN-10: an Order cannot move WhatsApp away from monthly arrears'
        when
            override_field not in (
                'unit_price', 'included_quantity', 'kiq_basis', 'renewal_date'
            )
            then 'an Order cannot set the field ' || override_field
        when not is_tenant_known then 'there is no tenant ' || tenant_id
        when override_field = 'renewal_date' then
            case
                when try_cast(override_value as date) is null
                    then 'renewal_date is not a date: ' || coalesce(override_value, '')
                when try_cast(override_value as date) < cast(valid_from as date)
                    then 'renewal_date is before the Order begins on '
                        || cast(valid_from as date)::varchar || ': ' || override_value
            end
        when not is_meter_known then 'there is no meter ' || meter
        when
            override_field = 'kiq_basis'
            and (meter != 'kiq_conversation' or price_key != '')
            then 'kiq_basis is only for kiq_conversation, without a price key'
        when meter = 'carrier_penalty' then 'PEN-01: a fine is passed through at cost'
        when
            override_field = 'included_quantity'
            and meter in ('whatsapp_message', 'whatsapp_fee')
            then 'WAP-08: ' || meter || ' cannot have an included quantity'
        -- WAP-05, NUM-02, STO-03.
        when
            override_field = 'included_quantity'
            and price_key != ''
            and meter in {{ one_pool }}
            then 'one included quantity covers every price key of ' || meter
        when not is_price_key_known then meter || ' has no price key ' || price_key
        when override_field = 'unit_price' and not is_price
            then 'unit_price is not a number from 0 to 999999 with at most 8 decimals: '
                || coalesce(override_value, '')
        when override_field = 'included_quantity' and not is_quantity
            then 'included_quantity is not a whole number of 0 or more: '
                || coalesce(override_value, '')
        when
            override_field = 'kiq_basis'
            and coalesce(override_value, '') not in ('kiq_01', 'kiq_03')
            then 'kiq_basis is neither kiq_01 nor kiq_03: ' || coalesce(override_value, '')
    end as rejection,
from terms_read
