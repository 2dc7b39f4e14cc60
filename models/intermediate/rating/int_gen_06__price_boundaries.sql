-- GEN-06, PRC-02, PRC-03, GEN-03: the instants inside a month at which a tenant's price for a meter, or the
-- plan it is used under, may change: an Order's override starting or ending, a term renewal of translated
-- words, the start day a rate card names, a subscription starting or ending.
-- Grain: tenant x meter x month x segment. Months without such an instant have no row.
with overrides as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where rejection is null and override_field in ('unit_price', 'kiq_basis')
),

word_prices as (
    select * from {{ ref('int_prc_03__word_prices_by_term') }}
),

tenants as (
    select tenant_id from {{ ref('int_gen_08__tenant_currencies') }}
),

cards as (
    select distinct unit, effective_from from {{ ref('int_prc_02__card_rates_effective') }}
),

subscriptions as (
    select tenant_id, valid_from, valid_to
    from {{ ref('int_gen_02__subscriptions_states') }}
    where is_current
),

meters_of_an_instant as (
    select meter from {{ ref('meters') }} where not {{ is_of_the_month('meter') }}
),

instants_gathered as (
    select tenant_id, meter, valid_from as boundary_at from overrides
    union
    select tenant_id, meter, valid_to as boundary_at from overrides
    where valid_to is not null
    union
    -- The fee is charged on WhatsApp units, so an Order's fee divides their month too.
    select overrides.tenant_id, units.meter, overrides.valid_from
    from overrides
    cross join (values ('whatsapp_conversation'), ('whatsapp_message')) as units (meter)
    where overrides.meter = 'whatsapp_fee'
    union
    select overrides.tenant_id, units.meter, overrides.valid_to
    from overrides
    cross join (values ('whatsapp_conversation'), ('whatsapp_message')) as units (meter)
    where overrides.meter = 'whatsapp_fee' and overrides.valid_to is not null
    union
    select tenant_id, 'translated_word' as meter, segment_from as boundary_at
    from word_prices
    union
    select
        tenants.tenant_id, 'whatsapp_' || cards.unit as meter,
        cast(cards.effective_from as timestamp) as boundary_at,
    from tenants
    cross join cards
    union
    select subscriptions.tenant_id, meters_of_an_instant.meter, subscriptions.valid_from
    from subscriptions
    cross join meters_of_an_instant
    union
    select subscriptions.tenant_id, meters_of_an_instant.meter, subscriptions.valid_to
    from subscriptions
    cross join meters_of_an_instant
    where subscriptions.valid_to is not null
),

instants_inside_months as (
    select
        tenant_id,
        meter,
        {{ billing_month('boundary_at') }} as billing_month,
        boundary_at,
    from instants_gathered
    where boundary_at > cast({{ billing_month('boundary_at') }} as timestamp)
),

starts_listed as (
    select tenant_id, meter, billing_month, boundary_at as segment_from
    from instants_inside_months
    union
    select tenant_id, meter, billing_month, cast(billing_month as timestamp)
    from instants_inside_months
)

select
    tenant_id,
    meter,
    billing_month,
    segment_from,
    lead(
        segment_from, 1, cast({{ next_month('billing_month') }} as timestamp)
    ) over (
        partition by tenant_id, meter, billing_month order by segment_from
    ) as segment_until,
from starts_listed
