-- WAP-04, GEN-03: every WhatsApp unit with its tenant, market and fate before the pool.
-- Grain: conversation (conversation era) or message (message era).
-- Trap: +1 is three markets and +7 two, so the longest prefix in force at the opening wins.
-- Only units whose messages changed are mapped again, unless contract data did.
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
-- Only conversations met before have messages from before.
messages_of_conversations_changed as (
    select * from {{ ref('int_wap_01__messages_gathered') }}
    where
        load_batch > {{ metered_batch() }}
        and conversation_id is not null and coalesce(pricing_model, 'CBP') = 'CBP'
    union all
    select * from {{ ref('int_wap_01__messages_gathered') }}
    where
        load_batch <= {{ metered_batch() }}
        and coalesce(pricing_model, 'CBP') = 'CBP'
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
    select * from {{ ref('whatsapp_markets') }}
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
        or coalesce(category = 'referral_conversion', false) as is_meta_free,
        coalesce(pricing_model = 'CBP', false) as lacks_conversation,
        raw_rows,
    from messages
),

-- A market is found once for the leading digits that many recipients share, not once a unit.
leads as (
    select distinct {{ leading_digits('recipient_id') }} as recipient_lead
    from units_united
),

prefixes_matched as (
    select leads.recipient_lead, markets.*
    from leads
    inner join markets on starts_with(leads.recipient_lead, markets.calling_prefix)
),

market_edges as (
    select recipient_lead, valid_from as starts_on from prefixes_matched
    union
    select recipient_lead, valid_to from prefixes_matched where valid_to is not null
),

market_stretches as (
    select
        *,
        lead(starts_on) over (partition by recipient_lead order by starts_on) as ends_on,
    from market_edges
),

markets_by_lead as (
    select
        market_stretches.recipient_lead,
        market_stretches.starts_on,
        market_stretches.ends_on,
        prefixes_matched.market,
    from market_stretches
    inner join prefixes_matched
        on
            market_stretches.recipient_lead = prefixes_matched.recipient_lead
            and {{ in_force('market_stretches.starts_on', 'prefixes_matched.valid_from', 'prefixes_matched.valid_to', "date '9999-12-31'") }}
    qualify
        row_number() over (
            partition by market_stretches.recipient_lead, market_stretches.starts_on
            order by length(prefixes_matched.calling_prefix) desc
        ) = 1
),

markets_found as (
    select
        units_united.*,
        coalesce(markets_by_lead.market, 'Other') as market,
        markets_by_lead.market is null as is_market_unknown,
    from units_united
    left join markets_by_lead
        on
            {{ leading_digits('units_united.recipient_id') }} = markets_by_lead.recipient_lead
            and {{ in_force('cast(units_united.occurred_at as date)', 'markets_by_lead.starts_on', 'markets_by_lead.ends_on', "date '9999-12-31'") }}
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
