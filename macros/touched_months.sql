{# Which billing months must be metered again, by source. ops.touched_months gathers them before and
   while states are merged: the months a changed record stood in before, and those it stands in now.
   The year 1 stands for "every month": contract data changed, and with it anything may have moved. #}
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

{# For a model of contested records: the months of all states of the records contested anew, which
   are those they stood in before and stand in now. New parts' months are noted by the key index. #}
{% macro touch_months_of_contested(relation, source_name) %}
insert into ops.touched_months (source, billing_month)
select distinct '{{ source_name }}', {{ billing_month("coalesce(occurred_at, timestamp '1970-01-01')") }} from {{ relation }}
where load_batch > (select coalesce(max(load_batch), 0) from ops.metered_batches)
    or record_key in (
        select record_key from {{ relation }}
        where load_batch > (select coalesce(max(load_batch), 0) from ops.metered_batches)
    )
{% endmacro %}

{# Numbers a query finds, as literals that let the engine skip files; 0 is always among them. #}
{% macro numbers_found(query) %}
{%- if execute and flags.WHICH != 'test' -%}
0{% for number in run_query(query).columns[0].values() %}, {{ number }}{% endfor %}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# The months of a source that must be metered again, as quoted literals; none means all of them. #}
{% macro months_touched(sources) %}
{%- if execute and is_incremental() -%}
{%- set listed = "('" ~ sources | join("', '") ~ "')" -%}
{%- set months = run_query(
    "select distinct billing_month::varchar as m from ops.touched_months where source in " ~ listed
    ~ " or billing_month = date '0001-01-01' order by 1"
).columns[0].values() | list -%}
{{ return(none if '0001-01-01' in months else months) }}
{%- else -%}{{ return(none) }}{%- endif -%}
{% endmacro %}

{# A model's filter to the touched months of a source and to the parts that hold them; no filter when
   all are touched or on a full build. #}
{% macro where_month_touched(source_name, has_parts=true) %}
{%- set months = months_touched([source_name]) -%}
{%- if months is not none -%}
where true {{ in_months(months, source_name if has_parts else none) }}
{%- endif -%}
{% endmacro %}

{# A filter to some months and, of a source that is read where it lies, to the parts that hold them. #}
{% macro in_months(months, source_name=none) %}
{%- if months is not none and not months -%}
{#- Said plainly, so that the engine reads nothing for it, not even what would be joined. -#}
and false
{%- elif months is not none -%}
and billing_month in (date '9999-12-01'{{ dates_listed(months) }})
{%- if source_name %}
and part_number in ({{ numbers_found(
    "select distinct part_number from ops.part_months where source = '" ~ source_name
    ~ "' and billing_month in (date '9999-12-01'" ~ dates_listed(months) ~ ")"
) }})
{%- endif -%}
{%- endif -%}
{% endmacro %}

{% macro dates_listed(months) %}{% for month in months %}, date '{{ month }}'{% endfor %}{% endmacro %}

{# Run before a month-wise model appends: takes the touched months out, also those that end up empty. #}
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

{# KIQ-02, KIQ-03: conversations whose own row came or changed since the last complete build, in all its
   states: what it was decides with what it is. #}
{% macro conversations_changed() %}
{%- set contested = ref('int_gen_02__conversations_contested') -%}
select conversation_id, org_id, customer_id
from {{ ref('int_gen_02__conversations_states') }} where load_batch > {{ metered_batch() }}
union
select conversation_id, org_id, customer_id from {{ contested }}
where record_key in (
    select record_key from {{ contested }} where load_batch > {{ metered_batch() }}
)
{% endmacro %}

{# A conversation's own row may come or change long after its messages: the months they count in. #}
{% macro touch_months_of_conversations() %}
{{ touch_months_of_exchanges('select conversation_id from (' ~ conversations_changed() ~ ')') }}
{% endmacro %}

{# KIQ-03: one that a customer opens decides about those that ended within the day before. #}
{% macro touch_months_of_reopened(relation) %}
{{ touch_months_of_exchanges(
    'select conversation_id from ' ~ relation ~ ' where (org_id, customer_id) in ('
    ~ 'select (org_id, customer_id) from (' ~ conversations_changed() ~ '))'
) }}
{% endmacro %}

{% macro forget_reopened(relation) %}
{%- set changed = conversations_changed() -%}
{% if execute and is_incremental() %}
delete from {{ relation }} where (org_id, customer_id) in (select (org_id, customer_id) from ({{ changed }}))
{% else %}select 1{% endif %}
{% endmacro %}

{% macro touch_months_of_exchanges(conversations) %}
{%- set exchanges = ref('int_kiq_01__exchanges_completed') -%}
{% if execute and is_incremental() %}
insert into ops.touched_months (source, billing_month)
select distinct
    'kustomer_messages', {{ billing_month('coalesce(exchange_completed_at, first_message_at)') }}
from {{ exchanges }}
where conversation_id in ({{ conversations }})
{% else %}select 1{% endif %}
{% endmacro %}

{# VOI-04: a recording takes the key of its leg, so a leg that comes or changes touches the months of
   its recordings, and those of the recordings of the legs under it. #}
{% macro touch_months_of_recordings() %}
{%- set calls = ref('int_gen_02__calls_states') -%}
{%- set recordings = ref('int_gen_02__recordings_states') -%}
{% if execute and is_incremental() and any_rows_of('twilio_recordings') %}
insert into ops.touched_months (source, billing_month)
with changed as (
    select call_sid from {{ calls }} where load_batch > {{ metered_batch() }}
),
affected as (
    select call_sid from changed
    union
    select legs.call_sid from {{ calls }} as legs
    where legs.parent_call_sid in (select call_sid from changed)
)
select distinct 'twilio_recordings', {{ billing_month('occurred_at') }}
from {{ recordings }}
where call_sid in (select call_sid from affected)
{% else %}select 1{% endif %}
{% endmacro %}

{# KIQ-01: the months a conversation stood in and stands in: those of its pieces, and those of its row
   among the conversations read again, before that row is replaced and after. #}
{% macro touch_months_before_reread(relation) %}
{%- set pieces = ref('int_kiq_01__conversation_pieces') -%}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{% if execute and is_incremental() %}
insert into ops.touched_months (source, billing_month)
with changed as (
    select conversation_id, target_conversation_id from {{ reread }}
    where changed_batch > {{ metered_batch() }}
),
affected as (
    select conversation_id from changed
    union
    select target_conversation_id from changed
    union
    select conversation_id from {{ pieces }} where load_batch > {{ metered_batch() }}
)
select distinct
    'kustomer_messages',
    {{ billing_month("coalesce(case when first_reply_at > first_customer_message_at then first_reply_at end, first_message_at)") }}
from {{ pieces }} where conversation_id in (select conversation_id from affected)
union
select distinct
    'kustomer_messages', {{ billing_month('coalesce(exchange_completed_at, first_message_at)') }}
from {{ relation }} where conversation_id in (select conversation_id from affected)
{% else %}select 1{% endif %}
{% endmacro %}

{% macro touch_months_after_reread(relation) %}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{% if execute and is_incremental() %}
insert into ops.touched_months (source, billing_month)
select distinct
    'kustomer_messages', {{ billing_month('coalesce(exchange_completed_at, first_message_at)') }}
from {{ relation }}
where conversation_id in (
    select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
)
{% else %}select 1{% endif %}
{% endmacro %}

{# Takes out the rows of conversations about to be read again: one merged away leaves none behind. #}
{% macro forget_reread(relation) %}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
{% if execute and is_incremental() %}
delete from {{ relation }} where conversation_id in (
    select conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
    union
    select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
)
{% else %}select 1{% endif %}
{% endmacro %}

{# GEN-11: tenants and months that may have used a service inside its suspension, as lists of `tenants` and
   `months`, among `months` where given; none of either when that cannot be told. A literal tenant lets the engine skip the others' rows. #}
{% macro suspended_use(months=none) %}
{%- set usage = ref('int_gen_06__usage_to_price') -%}
{%- set suspensions = ref('int_gen_02__suspensions_states') -%}
{%- set meters = ref('meters') -%}
{%- if execute and flags.WHICH != 'test' and relation_exists(usage) -%}
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

{# Whether a table stands under the relation's name. #}
{% macro relation_exists(relation) %}
{{ return(run_query(
    "select count(*) from duckdb_tables() where database_name = current_database() and schema_name = '"
    ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "'"
).columns[0].values()[0] > 0) }}
{% endmacro %}

{# Whether anything of a source was ever accepted. #}
{% macro any_rows_of(source_name) %}
{{ return(run_query(
    "select coalesce(sum(rows_accepted), 0) from raw.receipts where status = 'accepted' and source = '"
    ~ source_name ~ "'"
).columns[0].values()[0] > 0) }}
{% endmacro %}
