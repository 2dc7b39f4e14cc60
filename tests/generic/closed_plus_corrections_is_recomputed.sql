{# GEN-09: all that was and is being invoiced for a usage month is what it recomputes to, per tenant,
   meter and currency. Not of months that cannot be computed, nor while a tenant's open month waits. #}
{% test closed_plus_corrections_is_recomputed(model, recomputed, blocked, next_open) %}
with sides as (
    select tenant_id, usage_month, meter, currency_code, billed_amount, pricing_quantity
    from {{ model }}
    union all
    select tenant_id, billing_month, meter, currency_code, -billed_amount, -pricing_quantity
    from {{ recomputed }}
),

waiting as (
    select tenant_id, billing_month from {{ blocked }}
),

tenants_waiting as (
    select n.tenant_id
    from {{ next_open }} as n
    inner join waiting as w on n.tenant_id = w.tenant_id and n.open_month = w.billing_month
)

select
    s.tenant_id, s.usage_month, s.meter, s.currency_code,
    sum(s.billed_amount) as amount_off,
    sum(s.pricing_quantity) as quantity_off
from sides as s
left join waiting as w on s.tenant_id = w.tenant_id and s.usage_month = w.billing_month
where w.tenant_id is null and s.tenant_id not in (select tenant_id from tenants_waiting)
group by s.tenant_id, s.usage_month, s.meter, s.currency_code
having sum(s.billed_amount) != 0 or sum(s.pricing_quantity) != 0
{% endtest %}
