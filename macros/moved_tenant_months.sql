{# Which tenant months are rated and invoiced again: those anything changed for that their lines are made
   of (int_gen_05__tenant_months_fingerprinted notes them in ops.moved_tenant_months, and so it must be above
   every model that asks). A tenant '*' stands for all of its month, and of the year 1 for everything. Rows
   without a tenant or month have the keys '' and the year 1. First and last of the months are said before all else:
   by them the engine reads only rows that lie between, which of a month among 25 takes a quarter of the time. #}
{% macro is_moved() %}
{%- if execute and flags.WHICH != 'test' and is_incremental() -%}
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

{# Behind a from clause, and behind a where clause; nothing where all of them are worked out. #}
{% macro where_moved() %}{% set condition = is_moved() | trim %}{% if condition %}where {{ condition }}{% endif %}{% endmacro %}
{% macro and_moved() %}{% set condition = is_moved() | trim %}{% if condition %}and {{ condition }}{% endif %}{% endmacro %}

{# Run before such a model appends: takes out what it is about to work out again. #}
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

{# What differs, and of every tenant one of whose closed months does, the month its corrections are due on
   (GEN-09), also where nothing was used in it yet: the first after the last close, or one left open by name. #}
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
-- Left out of a close by name, a month stays open and takes the corrections.
select tenant_id, billing_month from {{ source('ledger', 'closings') }}
where tenant_id in (select tenant_id from corrected)
union
select corrected.tenant_id, {{ next_month('newest.closed_until') }}
from corrected
cross join (
    {{ newest_closing() }}
) as newest
{% endmacro %}
