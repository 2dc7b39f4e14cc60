{# GEN-11: tenants and months that may have used a service while it was suspended, as lists of `tenants` and
   `months`, restricted to `months` if given; both none if this cannot be determined. A literal tenant lets
   the engine skip other tenants' rows. #}
{% macro suspended_use(months=none) %}
{%- set usage = ref('int_gen_06__usage_to_price') -%}
{%- set suspensions = ref('int_gen_02__suspensions_states') -%}
{%- set meters = ref('meters') -%}
{%- if execute and not in_unit_test() and relation_exists(usage) -%}
{%- set found = run_query(
    "select distinct usage.tenant_id, usage.billing_month::varchar from " ~ usage ~ " as usage"
    ~ " inner join " ~ meters ~ " as meters on usage.meter = meters.meter"
    ~ " inner join " ~ suspensions ~ " as suspensions on usage.tenant_id = suspensions.tenant_id"
    ~ " and lower(meters.service) = lower(suspensions.service) and suspensions.is_current"
    ~ " and " ~ overlaps_month('suspensions.suspended_from', 'suspensions.suspended_until', 'usage.billing_month')
    ~ (" where usage.billing_month in (date '9999-12-01'" ~ dates_listed(months) ~ ")" if months is not none else "")
    ~ " order by all"
) -%}
{{ return({
    'tenants': found.columns[0].values() | unique | list,
    'months': found.columns[1].values() | unique | sort | list,
}) }}
{%- endif -%}
{{ return({'tenants': none, 'months': none}) }}
{% endmacro %}
