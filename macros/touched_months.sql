{# Which billing months must be metered again. ops.touched_months gathers them while states are
   merged: the months a changed record stood in before, and those it stands in now. The year 1
   stands for "every month": contract data changed, and with it anything may have moved. #}
{% macro touch_months_before(relation, staged, key_columns) %}
{% if execute and is_incremental() %}
insert into ops.touched_months
select distinct {{ billing_month('occurred_at') }} from {{ relation }}
where occurred_at is not null and record_key in (
    select {{ record_key(key_columns) }} from {{ staged }} where load_batch > {{ last_batch(relation) }}
)
{% else %}select 1{% endif %}
{% endmacro %}

{% macro touch_months_after(relation, source_name) %}
insert into ops.touched_months
select distinct coalesce({{ billing_month('occurred_at') }}, date '0001-01-01') from {{ relation }}
where load_batch > (select coalesce(max(load_batch), 0) from ops.metered_batches)
{% endmacro %}

{# A model's filter to the touched months, as literals; no filter when all are or on a full build. #}
{% macro where_month_touched(column) %}
{%- if execute and is_incremental() -%}
{%- set months = run_query('select distinct billing_month::varchar as m from ops.touched_months order by 1').columns[0].values() -%}
{%- if '0001-01-01' not in months -%}
where {{ column }} in (date '9999-12-01'{% for month in months %}, date '{{ month }}'{% endfor %})
{%- endif -%}
{%- endif -%}
{% endmacro %}

{# Run before a month-wise model appends: takes the touched months out, also those that end up empty. #}
{% macro forget_touched_months(relation) %}
{% if execute and is_incremental() %}delete from {{ relation }} {{ where_month_touched('billing_month') }}
{% else %}select 1{% endif %}
{% endmacro %}
