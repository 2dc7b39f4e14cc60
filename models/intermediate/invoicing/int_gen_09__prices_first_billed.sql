-- GEN-09: prices that draft invoices bill for the first time: begun in the month, or on no issued
-- line before, an Order's on none of its tenant.
-- Grain: month x meter x price x currency. Note: a price agreed late has an effective date long
-- past, and a correction bills it as much as a line of the month's own. While nothing was issued,
-- every price of the first month is new, so there only what began in it counts.
{% set price = ['meter', 'price_id', 'unit_price', 'currency_code', 'ordered_by'] %}
with lines_priced as (
    select
        line_id, tenant_id, billing_month, meter, price_id, unit_price, currency_code, billed_amount,
        case when price_origin = 'order' then tenant_id else '' end as ordered_by,
    from {{ ref('int_gen_12__lines_drafted') }}
    where charge_category = 'usage' and price_origin != 'passed_through'
),

issued as (
    select distinct
        meter, price_id, unit_price, currency_code,
        case when price_origin = 'order' then tenant_id else '' end as ordered_by,
    from {{ source('ledger', 'closed_lines') }}
    where charge_category = 'usage'
),

-- Months close in order: of several drafts the first is the one that bills it first.
first_drafts as (
    select
        {{ price | join(', ') }},
        min(billing_month) as billing_month,
    from lines_priced
    group by all
),

-- Before anything was issued: the month of which every price is new.
beginning as (
    select case when not exists (select 1 from issued) then min(billing_month) end as billing_month,
    from first_drafts
),

never_issued as (
    select first_drafts.*
    from first_drafts
    cross join beginning
    left join issued
        on
            {% for part in price %}
            first_drafts.{{ part }} = issued.{{ part }}
            {% if not loop.last %}and {% endif %}
            {% endfor %}
    where
        issued.price_id is null
        and first_drafts.billing_month is distinct from beginning.billing_month
),

begun as (
    select line_id
    from {{ ref('int_gen_12__lines_invoiced') }}
    where charge_category = 'usage' and {{ billing_month('price_effective_from') }} = billing_month
)

select
    lines_priced.billing_month,
    lines_priced.meter,
    lines_priced.price_id,
    lines_priced.currency_code,
    count(distinct lines_priced.tenant_id)::bigint as tenant_count,
    sum(lines_priced.billed_amount)::decimal(18, 3) as billed_amount,
from lines_priced
left join begun on lines_priced.line_id = begun.line_id
left join never_issued
    on
        {% for part in price %}
        lines_priced.{{ part }} = never_issued.{{ part }}
        and {% endfor %}
        lines_priced.billing_month = never_issued.billing_month
where begun.line_id is not null or never_issued.price_id is not null
group by
    lines_priced.billing_month, lines_priced.meter, lines_priced.price_id,
    lines_priced.currency_code
