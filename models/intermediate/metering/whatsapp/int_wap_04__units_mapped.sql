-- WAP-04, GEN-03: every WhatsApp unit with its tenant, market and fate before the pool.
-- Grain: conversation (conversation era) or message (message era). The market is the one in force at the
-- opening. Only units whose messages changed are mapped again, unless contract data changed.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=[
        "{{ note_units_met(this) }}",
        "{{ touch_months_of_units_met() }}",
        "{{ forget_units_met(this) }}",
    ],
    post_hook="{{ touch_months_of_units_mapped(this) }}",
) }}
{%- set changed_only = is_incremental() and not every_unit_touched() %}

with
{% if changed_only %}
-- Only conversations mapped before have earlier messages.
messages_of_conversations_changed as (
    select * from {{ ref('int_wap_01__messages_gathered') }}
    where
        load_batch > {{ metered_batch() }}
        and conversation_id is not null and {{ is_of_conversation_era() }}
    union all
    select * from {{ ref('int_wap_01__messages_gathered') }}
    where
        load_batch <= {{ metered_batch() }}
        and {{ is_of_conversation_era() }}
        and (waba_id, conversation_id) in (
            select (met.waba_id, met.unit_id)
            from ops.whatsapp_units_met as met
            where met.meter = 'whatsapp_conversation'
        )
),
{% endif %}

conversations as (
    {% if changed_only %}
    select *, {{ conversation_opened_at() }} as opened_at
    from (
        {{ conversations_gathered('messages_of_conversations_changed') }}
    )
    {% else %}
    select * from {{ ref('int_wap_02__conversations_opened') }}
    {% endif %}
),

messages as (
    select * from {{ ref('int_wap_03__messages_delivered') }}
    {% if changed_only %}
    where load_batch > {{ metered_batch() }}
    {% endif %}
),

markets as (
    select * from {{ ref('int_wap_04__markets_by_lead') }}
),

categories as (
    select * from {{ ref('whatsapp_categories') }}
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'whatsapp'
),

units_united as (
    select
        'whatsapp_conversation' as meter,
        waba_id,
        conversation_id as unit_id,
        recipient_id,
        category,
        opened_at as occurred_at,
        is_delivered,
        has_unbillable_status or coalesce(category = 'referral_conversion', false)
            as is_meta_free,
        false as lacks_conversation,
        raw_rows,
    from conversations
    union all
    select
        'whatsapp_message' as meter,
        waba_id,
        wamid as unit_id,
        recipient_id,
        category,
        occurred_at,
        is_delivered,
        has_unbillable_status
        or coalesce(pricing_type like 'free%', false)
        or coalesce(category = 'referral_conversion', false)
        or coalesce(origin_type = 'referral_conversion', false) as is_meta_free,
        coalesce(pricing_model = 'CBP', false) as lacks_conversation,
        raw_rows,
    from messages
),

markets_found as (
    select
        units_united.*,
        coalesce(markets.market, 'Other') as market,
        markets.market is null as is_market_unknown,
    from units_united
    left join markets
        on
            {{ leading_digits('units_united.recipient_id') }} = markets.recipient_lead
            and {{ in_force('cast(units_united.occurred_at as date)', 'markets.valid_from', 'markets.valid_to', "date '9999-12-31'") }}
),

tenants_found as (
    select
        markets_found.*,
        accounts.tenant_id,
        accounts.account_kind,
        categories.initiated_by,
        case
            when not coalesce(markets_found.is_delivered, false) then 'not_delivered'
            when markets_found.lacks_conversation then 'missing_conversation'
            when markets_found.category is null then 'missing_pricing_category'
            when categories.category is null then 'unknown_category'
        end as meter_reason,
    from markets_found
    left join categories on markets_found.category = categories.category
    left join accounts
        on
            markets_found.waba_id = accounts.account_id
            and {{ in_force('markets_found.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
)

select
    meter,
    waba_id,
    unit_id,
    ltrim(recipient_id, '+') as customer,
    tenant_id,
    {{ billing_month('occurred_at') }} as billing_month,
    occurred_at,
    market,
    is_market_unknown,
    category,
    initiated_by,
    is_meta_free,
    {{ account_fate("case when meter_reason is null then 'countable'
        when meter_reason = 'not_delivered' then 'excluded'
        else 'quarantined' end") }} as metered_fate,
    {{ account_reason('meter_reason') }} as reason,
    raw_rows,
    {{ kept_hash(['meter', 'waba_id', 'unit_id']) }} as unit_hash,
    {{ newest_batch() }}::integer as mapped_batch,
from tenants_found
