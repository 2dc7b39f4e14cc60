-- GEN-11: tenants and services that may be suspended: usage fees past due, or Voice usage far
-- outside the tenant's own history. Rating never changes.
-- Grain: tenant x service x ground x month or invoice. Drafts are not due, so past dues fill
-- once months are closed. Trap: models have no clock; "today" is the newest day the data knows of.
with invoices as (
    select * from {{ ref('fct_invoices') }} where status = 'issued'
),

payments as (
    select * from {{ ref('int_gen_02__payments_states') }} where is_current
),

lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

meters as (
    select * from {{ ref('meters') }}
),

outliers as (
    select * from {{ ref('int_gen_11__voice_outliers') }}
),

tenants as (
    select * from {{ ref('int_gen_08__tenant_currencies') }}
),

months as (
    select * from {{ ref('int_gen_01__billing_months_seen') }}
),

days_known as (
    select max(cast(paid_at as date)) as known_on from payments
    union all
    select max(cast(issued_at as date)) as known_on from invoices
    union all
    select max(billing_month) as known_on from months
),

today as (
    select max(known_on) as known_on from days_known
),

paid as (
    select invoice_number, sum(amount) as paid_amount
    from payments
    group by invoice_number
)

select distinct
    invoices.tenant_id,
    meters.service,
    'past_due' as ground,
    invoices.billing_month,
    invoices.invoice_id,
    invoices.invoice_number,
    invoices.issued_at,
    invoices.due_on,
    (today.known_on - invoices.due_on)::bigint as days_past_due,
    invoices.currency_code,
    (invoices.billed_amount - coalesce(paid.paid_amount, 0))::decimal(18, 3)
        as open_amount,
    cast(null as bigint) as minutes,
    cast(null as bigint) as usual_minutes,
from invoices
inner join lines on invoices.invoice_id = lines.invoice_id
inner join meters on lines.meter = meters.meter
cross join today
left join paid on invoices.invoice_number = paid.invoice_number
where
    invoices.due_on < today.known_on
    and meters.service in ('Voice', 'WhatsApp')
    and invoices.billed_amount > coalesce(paid.paid_amount, 0)
union all
select
    outliers.tenant_id,
    'Voice' as service,
    'voice_outlier' as ground,
    outliers.billing_month,
    '' as invoice_id,
    cast(null as varchar) as invoice_number,
    cast(null as timestamp) as issued_at,
    cast(null as date) as due_on,
    cast(null as bigint) as days_past_due,
    tenants.currency_code,
    cast(0 as decimal(18, 3)) as open_amount,
    outliers.minutes,
    outliers.usual_minutes,
from outliers
inner join tenants on outliers.tenant_id = tenants.tenant_id
