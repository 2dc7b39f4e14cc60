{# GEN-05: the held records, one by one, are those that the fates count as held: per source, tenant, month, meter
   and reason. #}
{% test held_records_add_up(model, fates) %}
with sides as (
    select source, tenant_id, billing_month, meter, reason, record_count, quantity
    from {{ model }}
    union all
    select source, tenant_id, billing_month, meter, reason, -record_count, -quantity
    from {{ fates }}
    where fate = 'quarantined'
)

select
    source, tenant_id, billing_month, meter, reason,
    sum(record_count) as records_off,
    sum(quantity) as quantity_off
from sides
group by source, tenant_id, billing_month, meter, reason
having sum(record_count) != 0 or sum(quantity) != 0
{% endtest %}
