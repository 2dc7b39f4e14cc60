{# Which tenant months are rated and invoiced again: those with a change in anything their lines depend on.
   int_gen_05__tenant_months_fingerprinted records them in ops.moved_tenant_months, so it must be upstream
   of every model that asks. Tenant '*' stands for all tenants of its month, and for everything if the
   month is the year 1. Rows without a tenant or month have the keys '' and the year 1. The filter starts
   with the first and last of the months, so that the engine reads only rows between them; for one month
   among 25 this takes a quarter of the time. #}
{% macro is_moved() %}
{%- if execute and is_incremental() -%}
{%- set months, whole = [], [] -%}
{%- for month, is_whole in run_query(
    "select billing_month::varchar, bool_or(tenant_id = '*') from ops.moved_tenant_months group by 1 order by 1"
).rows -%}
{%- do months.append(month) -%}
{%- if is_whole -%}{%- do whole.append(month) -%}{%- endif -%}
{%- endfor -%}
{%- if not months -%}
false
{%- elif '0001-01-01' not in whole -%}
(
    {%- if '0001-01-01' not in months %}
    billing_month between date '{{ months[0] }}' and date '{{ months[-1] }}' and
    {%- endif %} (
        billing_month in (date '9999-12-01'{{ dates_listed(whole) }})
        {%- if whole != months %}
        or (coalesce(tenant_id, ''), coalesce(billing_month, date '0001-01-01')) in (
            select tenant_id, billing_month from ops.moved_tenant_months
        )
        {%- endif %}
    )
)
{%- endif -%}
{%- endif -%}
{% endmacro %}

{# To follow a from clause (where_moved) or a where clause (and_moved); empty if everything is recomputed. #}
{% macro where_moved() %}{% set condition = is_moved() | trim %}{% if condition %}where {{ condition }}{% endif %}{% endmacro %}
{% macro and_moved() %}{% set condition = is_moved() | trim %}{% if condition %}and {{ condition }}{% endif %}{% endmacro %}

{# Run before such a model appends: deletes what it is about to recompute. #}
{% macro forget_moved(relation) %}
{% if execute and is_incremental() %}delete from {{ relation }} {{ where_moved() }}{% else %}select 1{% endif %}
{% endmacro %}

{% macro keep_fingerprints_before(relation) %}
create or replace table ops.tenant_month_fingerprints_before as
{% if execute and not should_full_refresh() and relation_exists(relation) %}
select tenant_id, billing_month, is_closed_for_all, fingerprint from {{ relation }}
{% else %}
select '' as tenant_id, date '0001-01-01' as billing_month, false as is_closed_for_all, '' as fingerprint where false
{% endif %}
{% endmacro %}

{# Records what differs and, for every tenant with a differing closed month, the month its corrections are due in
   (GEN-09), even if nothing was used in it yet: the first after the last close, or one left open by name. #}
{% macro note_moved_tenant_months(relation) %}
insert into ops.moved_tenant_months (tenant_id, billing_month)
with moved as (
    select
        coalesce(fresh.tenant_id, former.tenant_id) as tenant_id,
        coalesce(fresh.billing_month, former.billing_month) as billing_month,
        coalesce(fresh.is_closed_for_all, false) or coalesce(former.is_closed_for_all, false) as is_closed_for_all
    from {{ relation }} as fresh
    full join ops.tenant_month_fingerprints_before as former
        on fresh.tenant_id = former.tenant_id and fresh.billing_month = former.billing_month
    where fresh.fingerprint is distinct from former.fingerprint
),

corrected as (
    select distinct tenant_id from moved where is_closed_for_all
)

select tenant_id, billing_month from moved
union
-- A month left out of a close by name stays open and takes the corrections.
select tenant_id, billing_month from {{ source('ledger', 'closings') }}
where tenant_id in (select tenant_id from corrected)
union
select corrected.tenant_id, {{ next_month('newest.closed_until') }}
from corrected
cross join (
    {{ newest_closing() }}
) as newest
{% endmacro %}
