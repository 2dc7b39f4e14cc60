-- WAP-04: the market of all numbers that begin with the same digits, and from when until when.
-- Grain: leading digits of recipients x stretch of time. It is determined once for all recipients that share
-- the digits, not once per unit. Note: +1 covers three markets and +7 two, so the longest prefix in force
-- wins. Materialized although it is small: the engine had estimated it to be larger than the units and hashed
-- six million of them for the lookup, which took 7 s of CPU at 125 million records.
{{ config(materialized='incremental', incremental_strategy='append') }}

with messages as (
    select * from {{ ref('int_wap_01__messages_gathered') }}
    {% if is_incremental() %}
    where load_batch > {{ metered_batch() }}
    {% endif %}
),

markets as (
    select * from {{ ref('whatsapp_markets') }}
),

leads as (
    select distinct {{ leading_digits('recipient_id') }} as recipient_lead
    from messages
    {% if is_incremental() %}
    where
        {{ leading_digits('recipient_id') }} not in (
            select known.recipient_lead from {{ this }} as known
        )
    {% endif %}
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
)

select
    market_stretches.recipient_lead,
    market_stretches.starts_on as valid_from,
    market_stretches.ends_on as valid_to,
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
