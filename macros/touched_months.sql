{# Which billing months must be metered again, by source. ops.touched_months collects them before and while states are
   merged: the months a changed record was in before, and those it is in now. The year 1 stands for "every month":
   contract data changed, so anything may have moved with it. #}
{% macro touch_months_before(relation, staged, key_columns, source_name) %}
{% if execute and is_incremental() %}
insert into ops.touched_months (source, billing_month)
select distinct '{{ source_name }}', {{ billing_month('occurred_at') }} from {{ relation }}
where occurred_at is not null and record_key in (
    select {{ record_key(key_columns) }} from {{ staged }} where load_batch > {{ last_batch(relation) }}
)
{% else %}select 1{% endif %}
{% endmacro %}

{% macro touch_months_after(relation, source_name) %}
insert into ops.touched_months (source, billing_month)
select distinct '{{ source_name }}', coalesce({{ billing_month('occurred_at') }}, date '0001-01-01') from {{ relation }}
where load_batch > (select coalesce(max(load_batch), 0) from ops.metered_batches)
{% endmacro %}

{# For a model of contested records: the months of all states of the records contested since the last build, that is,
   those they were in before and those they are in now. The key index records the months of new parts. #}
{% macro touch_months_of_contested(relation, source_name) %}
insert into ops.touched_months (source, billing_month)
select distinct '{{ source_name }}', {{ billing_month("coalesce(occurred_at, timestamp '1970-01-01')") }} from {{ relation }}
where load_batch > (select coalesce(max(load_batch), 0) from ops.metered_batches)
    or record_key in (
        select record_key from {{ relation }}
        where load_batch > (select coalesce(max(load_batch), 0) from ops.metered_batches)
    )
{% endmacro %}

{# The months of a source that must be metered again, as texts; none means all of them. #}
{% macro months_touched(sources) %}
{{ return(months_listed_as_touched(sources) if execute and is_incremental() else none) }}
{% endmacro %}

{# The same for a test, which is not an incremental model. #}
{% macro months_touched_since_the_last_build(sources) %}
{{ return(months_listed_as_touched(sources) if builds_upon_another() else none) }}
{% endmacro %}

{% macro months_listed_as_touched(sources) %}
{%- set listed = "('" ~ sources | join("', '") ~ "')" -%}
{%- set months = run_query(
    "select distinct billing_month::varchar as m from ops.touched_months where source in " ~ listed
    ~ " or billing_month = date '0001-01-01' order by 1"
).columns[0].values() | list -%}
{{ return(none if '0001-01-01' in months else months) }}
{% endmacro %}

{# Filters a model to the touched months of a source and to the parts that hold them; no filter if all are touched or
   in a full build. `instant` is what the rows' billing_month is derived from. #}
{% macro where_month_touched(source_name, has_parts=true, instant='occurred_at') %}
{%- set months = months_touched([source_name]) -%}
{%- if months is not none -%}
where true {{ in_months(months, source_name if has_parts else none, instant) }}
{%- endif -%}
{% endmacro %}

{# Filters to some months and, for a source that is read in place, to the parts that hold them. The month follows from
   the instant and is not compared, which would cost a truncation per row; only under 1970 can it differ. #}
{% macro in_months(months, source_name=none, instant='occurred_at') %}
{%- if months is not none and not months -%}
{#- Stated plainly, so that the engine reads nothing at all, not even what would be joined. -#}
and false
{%- elif months is not none -%}
and {{ in_months_of(instant, months) }}
{%- if '1970-01-01' in months %}
and billing_month in (date '9999-12-01'{{ dates_listed(months) }})
{%- endif %}
{%- if source_name %}
and part_number in ({{ numbers_found(
    "select distinct part_number from ops.part_months where source = '" ~ source_name
    ~ "' and billing_month in (date '9999-12-01'" ~ dates_listed(months) ~ ")"
) }})
{%- endif -%}
{%- endif -%}
{% endmacro %}

{% macro dates_listed(months) %}{% for month in months %}, date '{{ month }}'{% endfor %}{% endmacro %}

{# Run before a monthly model appends: deletes the touched months, including those that end up empty. #}
{% macro forget_touched_months(relation, sources, also='false') %}
{% if execute and is_incremental() %}
delete from {{ relation }} where {{ also }}
{%- for source_name in sources %}
{%- set months = months_touched([source_name]) %}
or (source = '{{ source_name }}'
{%- if months is not none %} and billing_month in (date '9999-12-01'{{ dates_listed(months) }}){% endif %})
{%- endfor %}
{% else %}select 1{% endif %}
{% endmacro %}

{# The same for a model of one source, without a column that names it. #}
{% macro forget_months(relation, sources) %}
{%- set months = months_touched(sources) -%}
{% if execute and is_incremental() %}
delete from {{ relation }}
{%- if months is not none %} where billing_month in (date '9999-12-01'{{ dates_listed(months) }}){% endif %}
{% else %}select 1{% endif %}
{% endmacro %}
