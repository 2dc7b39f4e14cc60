-- VOI-01, VOI-03: every call leg, which party is outside, and the price key it falls under.
-- Grain: call leg. Note: +1 covers many countries, so the area code decides, not the prefix. A leg whose
-- called party is not a number has no key, because it is unclear which price applies.
{{ config(materialized='view') }}

with calls as (
    select * from {{ ref('int_gen_02__calls_states') }} where is_current
),

area_codes as (
    select * from {{ ref('voice_prefixes') }}
),

parties_named as (
    select
        *,
        {{ e164('to_party') }} as called_number,
        -- Outbound to an agent, inbound from one, or inbound on an agent's own address.
        regexp_matches(lower(to_party), '^(client|sip|sips|sim):')
        or (
            coalesce(direction = 'inbound', false)
            and coalesce(regexp_matches(lower(from_party), '^(client|sip|sips|sim):'), false)
        ) as is_agent_leg,
        coalesce(direction = 'inbound', false) as is_inbound,
        coalesce(
            direction in ('outbound-api', 'outbound-dial', 'trunking-terminating'), false
        ) as is_outbound,
    from calls
),

regions_found as (
    select
        parties_named.*,
        case
            when parties_named.called_number is null then null
            when parties_named.called_number not like '+1%' then 'international'
            else coalesce(area_codes.region, 'us_ca')
        end as called_region,
    from parties_named
    left join area_codes
        on substr(parties_named.called_number, 2, 4) = area_codes.calling_prefix
)

select
    * exclude (is_agent_leg),
    coalesce(is_agent_leg, false) as is_agent_leg,
    case
        when is_inbound and called_region = 'toll_free' then 'inbound_toll_free'
        when is_inbound and called_region = 'us_ca' then 'inbound_local'
        when is_inbound and called_region is not null then 'international'
        when is_outbound and called_region in ('us_ca', 'toll_free') then 'outbound_us_ca'
        when is_outbound and called_region is not null then 'international'
    end as price_key,
from regions_found
