-- GEN-06, PRC-01..04: the published price of each key a tenant used, in its month's currency.
-- Grain: tenant x month x meter x price key x segment. No row means that no price is in force. Note: words
-- follow the tenant's term (PRC-03), WhatsApp units the rate card (PRC-02).
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_06__usage_to_price') }} where relief = 'none' {{ and_moved() }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

updates as (
    select * from {{ ref('int_prc_01__updates_effective') }}
),

updates_dated as (
    select * from {{ ref('int_prc_01__updates_dated') }}
),

word_prices as (
    select * from {{ ref('int_prc_03__word_prices_by_term') }}
),

card_prices as (
    select * from {{ ref('int_prc_02__card_prices_chosen') }}
),

keys_used as (
    select
        usage.tenant_id,
        usage.billing_month,
        usage.meter,
        usage.price_key,
        usage.segment_from,
        {{ currency_of_month() }} as currency_code,
    from usage
    inner join tenants on usage.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('usage') }}
),

book_prices as (
    select
        keys_used.*,
        updates.price_id,
        updates.unit_price,
        updates.is_placeholder,
        updates.effective_from,
    from keys_used
    inner join updates
        on
            keys_used.meter = updates.meter
            and keys_used.price_key = updates.price_key
            and keys_used.currency_code = updates.currency_code
    where
        updates.notice_rule != 'at_renewal'
        and case
            when updates.notice_rule = 'then_current'
                then {{ next_month('keys_used.billing_month') }} - 1
            else keys_used.billing_month
        end >= updates.effective_from
        and (
            updates.effective_until is null
            or case
                when updates.notice_rule = 'then_current'
                    then {{ next_month('keys_used.billing_month') }} - 1
                else keys_used.billing_month
            end < updates.effective_until
        )
),

term_prices as (
    select
        keys_used.*,
        word_prices.price_id,
        word_prices.unit_price,
        coalesce(updates_dated.is_placeholder, false) as is_placeholder,
        cast(word_prices.segment_from as date) as effective_from,
    from keys_used
    inner join word_prices
        on
            keys_used.tenant_id = word_prices.tenant_id
            and keys_used.currency_code = word_prices.currency_code
            and {{ in_force('keys_used.segment_from', 'word_prices.segment_from', 'word_prices.segment_until') }}
    left join updates_dated on word_prices.price_id = updates_dated.update_id
    where keys_used.meter = 'translated_word'
)

select * from book_prices
union all
select * from term_prices
union all
select
    keys_used.*,
    card_prices.price_id,
    card_prices.unit_price,
    card_prices.is_placeholder,
    card_prices.effective_from,
from keys_used
inner join card_prices
    on
        keys_used.meter = card_prices.meter
        and keys_used.price_key = card_prices.price_key
        and keys_used.billing_month = card_prices.billing_month
        and keys_used.currency_code = card_prices.currency_code
        and {{ in_force('cast(keys_used.segment_from as date)', 'card_prices.effective_from', 'card_prices.effective_until', "date '9999-12-31'") }}
