-- WAP-06, WAP-07: how many conversations and windows asked for a place in a pool, and how many got one;
-- covers all months without reading every draw in history.
-- Grain: tenant x month x meter x whether pooled. Only touched months are counted again.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_months(this, ['whatsapp_webhooks']) }}",
) }}

with draws as (
    select * from {{ ref('int_wap_06__pool_draws') }}
    {{ where_month_touched('whatsapp_webhooks', has_parts=false, instant='opened_at') }}
)

select
    tenant_id,
    billing_month,
    meter,
    is_pooled,
    count(*)::bigint as draw_count,
from draws
group by all
