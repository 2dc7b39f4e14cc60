{# VOI-04: a recording takes the price key of its leg, so a new or changed leg touches the months of its
   recordings, and of the recordings of its child legs. Runs after the view that reads both, and so before any
   model asks which months to read again. #}
{% macro touch_months_of_recordings() %}
{%- set calls = ref('int_gen_02__calls_states') -%}
{%- set recordings = ref('int_gen_02__recordings_states') -%}
{% if builds_upon_another() and any_rows_of('twilio_recordings') %}
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
