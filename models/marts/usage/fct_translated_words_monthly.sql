-- TRW: premium translated words, and what is charged for them.
-- Grain: tenant x month x meter x price key x price version x relief.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved(this) }}",
) }}

with usage as (
    select * from {{ ref('int_gen_05__usage_charged') }} {{ where_moved() }}
)

select
    tenant_id,
    billing_month,
    meter,
    price_key,
    price_id,
    relief,
    metered_quantity as character_count,
    consumed_quantity,
    consumed_unit,
    included_quantity,
    drawn_quantity,
    overage_quantity,
    unit_price,
    currency_code,
    rated_amount,
    is_unrated,
from usage
where meter in ('translated_word')
