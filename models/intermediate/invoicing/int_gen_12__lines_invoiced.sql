-- GEN-12: every rated line on its invoice, one per tenant, month and payment method.
-- Grain: invoice line. Blocked tenant months are left out entirely and reported as findings.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_moved(this) }}",
) }}

with lines as (
    select * from {{ ref('int_gen_07__lines_rated') }} {{ where_moved() }}
),

blocked as (
    select distinct tenant_id, billing_month
    from {{ ref('int_gen_06__tenant_months_blocked') }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

methods_chosen as (
    select
        lines.*,
        case
            when starts_with(lines.meter, 'whatsapp_')
                then tenants.whatsapp_payment_method_id
            else tenants.payment_method_id
        end as payment_method_id,
        {{ currency_of_month() }} as own_currency,
    from lines
    inner join tenants on lines.tenant_id = tenants.tenant_id
    {{ join_currency_invoiced('lines') }}
    left join blocked
        on
            lines.tenant_id = blocked.tenant_id
            and lines.billing_month = blocked.billing_month
    where blocked.tenant_id is null
)

select
    * exclude (own_currency),
    {{ invoice_id('own_currency') }} as invoice_id,
    concat_ws(
        '/', tenant_id, strftime(billing_month, '%Y-%m'), meter, price_key, price_id,
        charge_category
    ) as line_id,
from methods_chosen
