-- WAP-04, WAP-05: how many WhatsApp units share the attributes that prices, pools and findings need. Those
-- cover all months and would otherwise read every unit in history.
-- Grain: tenant x month x meter x market x whether it is known x category x
-- fate. Only touched months are counted again.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_months(this, ['whatsapp_webhooks']) }}",
) }}

with units as (
    select * from {{ ref('int_wap_04__units_mapped') }}
    {{ where_month_touched('whatsapp_webhooks', has_parts=false) }}
)

select
    tenant_id,
    billing_month,
    meter,
    market,
    is_market_unknown,
    category,
    metered_fate,
    count(*)::bigint as unit_count,
from units
group by all
