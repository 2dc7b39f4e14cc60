-- GEN-11: tenants and services that may be suspended: usage fees past due, or Voice usage far outside the
-- tenant's own history. Rating never changes.
-- Grain: tenant x service x ground x month or invoice. Drafts are not due, so past-due rows appear only
-- once months are closed. Note: open_amount is that of the whole invoice and repeats for each of its
-- services, so sum it from rpt_receivables.
with receivables as (
    select * from {{ ref('int_gen_11__receivables_aged') }} where days_past_due > 0
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
)

select distinct
    receivables.tenant_id,
    meters.service,
    'past_due' as ground,
    receivables.billing_month,
    receivables.invoice_id,
    receivables.invoice_number,
    receivables.issued_at,
    receivables.due_on,
    receivables.aged_to,
    receivables.days_past_due,
    receivables.currency_code,
    receivables.open_amount,
    cast(null as bigint) as minutes,
    cast(null as bigint) as usual_minutes,
from receivables
inner join lines on receivables.invoice_id = lines.invoice_id
inner join meters on lines.meter = meters.meter
where meters.service in ('Voice', 'WhatsApp')
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
    cast(null as date) as aged_to,
    cast(null as bigint) as days_past_due,
    tenants.currency_code,
    cast(null as decimal(24, 6)) as open_amount,
    outliers.minutes,
    outliers.usual_minutes,
from outliers
inner join tenants on outliers.tenant_id = tenants.tenant_id
