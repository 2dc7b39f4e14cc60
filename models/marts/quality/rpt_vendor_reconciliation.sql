-- GEN-06: the usage and cost that Twilio and Meta report, beside what landed for the same time.
-- Grain: vendor x account x kind of account x tenant x category x kind of period x month x currency of the cost.
-- Note: Twilio's categories nest, and daily and monthly rows cover the same usage, so sum one category of one kind
-- of period only.
-- depends_on: {{ ref('int_gen_06__vendor_totals') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    tags=['large'],
    pre_hook="{{ forget_vendor_totals(this) }}",
) }}
{%- set again = vendor_totals_again() %}

with totals as (
    select * from {{ ref('int_gen_06__vendor_totals_compared') }}
    {% if again is not none %}where {{ is_compared_again(again) }}{% endif %}
)

select
    vendor,
    account_id,
    account_kind,
    tenant_id,
    billing_month,
    category,
    period_kind,
    meter,
    period_count,
    compared_count,
    vendor_quantity,
    vendor_quantity_compared,
    landed_quantity,
    (vendor_quantity_compared - landed_quantity)::decimal(38, 6) as difference_quantity,
    missing_quantity,
    differing_count,
    first_differs_at,
    vendor_cost,
    cost_currency,
from totals
