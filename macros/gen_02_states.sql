{# GEN-02, defined only here. Collapses exact duplicates of each record key, picks the winning state by update time,
   then status rank, then hash of the canonical row, and gives the reason why the others lost. Only keys with new rows
   are processed again, so the cost follows what is new. Only contested keys (more than one row) are hashed and
   ranked. `contested_in` names a large source: the model then holds only its contested records, with each of their
   rows read again from its part, and gen_02_current shows all other records in place. #}
{% macro gen_02_states(staged, columns, key_columns, updated_at, occurred_at, record_type, contested_in=none) %}
{%- set listed = columns | join(', ') -%}
{%- set update_time = updated_at or 'cast(null as timestamp)' -%}
with fresh as (
    select
        {{ record_key(key_columns) }} as record_key,
        {{ listed }},
        1::bigint as copies,
        file_sha256,
        row_number,
        load_batch
        {%- if contested_in %},
        part_number as home_part
        {%- endif %}
    from {{ rows_contested_anew(contested_in, staged) if contested_in else staged }}
    {% if not contested_in and is_incremental() %}where load_batch > {{ last_batch(this) }}{% endif %}
),

candidates as (
    select * from fresh
    {% if is_incremental() and not contested_in %}
    union all
    select record_key, {{ listed }}, copies, file_sha256, row_number, load_batch
    from {{ this }} where record_key in (select record_key from fresh)
    {% endif %}
),

contested_keys as (
    select record_key from candidates group by record_key having count(*) > 1
),

collapsed as (
    select
        record_key, {{ listed }},
        sum(copies)::bigint as copies,
        arg_min(file_sha256, file_sha256 || lpad(row_number::varchar, 20, '0')) as file_sha256,
        arg_min(row_number, file_sha256 || lpad(row_number::varchar, 20, '0')) as row_number,
        max(load_batch)::integer as load_batch,
        min(load_batch)::integer as first_load_batch
        {%- if contested_in %},
        min(home_part)::integer as home_part
        {%- endif %}
    from candidates
    where record_key in (select record_key from contested_keys)
    group by record_key, {{ listed }}
),

preferred as (
    select
        collapsed.*,
        {{ update_time }} as state_updated_at,
        row_number() over (
            partition by record_key
            order by
                {{ update_time }} desc nulls last,
                {% if record_type %}coalesce(ranks.status_rank, -1) desc,{% endif %}
                {{ canonical_row_hash(columns) }} desc
        ) as preference
    from collapsed
    {% if record_type %}
    left join (
        select status as ranked_status, status_rank
        from {{ ref('statuses') }} where record_type = '{{ record_type }}'
    ) as ranks on collapsed.status = ranks.ranked_status
    {% endif %}
),

resolved as (
    select
        record_key, {{ listed }}, copies, file_sha256, row_number, load_batch,
        {% if contested_in %}first_load_batch, home_part, {% endif %}preference = 1 as is_current,
        case
            when preference = 1 then null
            when state_updated_at < max(state_updated_at) over (partition by record_key)
                then 'newer_state'
            else 'conflict'
        end as superseded_reason
    from preferred
),

states as (
    select
        record_key, {{ listed }}, copies, file_sha256, row_number, load_batch,
        {% if contested_in %}load_batch as first_load_batch, home_part, {% endif %}true as is_current,
        null::varchar as superseded_reason
    from candidates
    where record_key not in (select record_key from contested_keys)
    union all
    select * from resolved
)

select
    *
    {%- if occurred_at != 'occurred_at' %},
    {{ occurred_at or 'cast(null as timestamp)' }} as occurred_at
    {%- endif %}
from states
{% endmacro %}

{# Where a model of contested records finds the rows it must read: all rows of contested records or,
   on top of an earlier build, those of records contested since then. Its hook copies them there
   from the parts that hold such rows. #}
{% macro rows_contested_anew(source_name, staged) %}
{%- if is_being_built() -%}
ops.rows_contested_anew_{{ source_name }}
{%- else -%}
(select * from {{ staged }} where {{ is_contested_anew(source_name) }})
{%- endif -%}
{% endmacro %}

{% macro is_contested_anew(source_name) %}
key_hash in (
    select key_hash from {{ source('ops', 'contested_keys') }}
    where source = '{{ source_name }}'
    {%- if is_incremental() %} and changed_batch > {{ metered_batch() }}{% endif %}
)
{%- endmacro %}

{% macro find_rows_contested_anew(source_name, staged) %}
create or replace table ops.rows_contested_anew_{{ source_name }} as
select * from {{ staged }}
where {{ is_contested_anew(source_name) }}
and part_number in ({{ numbers_found(
    "select distinct part_number from ops.contested_parts where source = '" ~ source_name ~ "'"
    ~ (" and changed_batch > " ~ metered_batch() if is_incremental() else "")
) }})
{% endmacro %}

{# Records the location of contested rows. Any row not listed is the state of its record, so no key has to be read to
   know that. 55 million messages without reading their ids: 4.9 s of CPU instead of 6.9. #}
{% macro note_contested_rows(source_name) %}
insert into ops.contested_rows
select '{{ source_name }}', {{ row_place() }} from ops.rows_contested_anew_{{ source_name }}
where {{ row_place() }} not in (select row_place from ops.contested_rows where source = '{{ source_name }}')
{% endmacro %}

{% macro forget_rows_contested_anew(source_name) %}
drop table ops.rows_contested_anew_{{ source_name }}
{% endmacro %}

{# The part of a raw row and its position there, as one number. #}
{% macro row_place() %}(part_number::bigint << 40) + row_number{% endmacro %}

{# GEN-02 for a large source: the states of every record, read in place. A record that arrived once is its own state;
   contested records come from their model and have part number 0. #}
{% macro gen_02_current(staged, contested, source_name, columns, key_columns, occurred_at) %}
{%- set listed = columns | join(', ') -%}
with staged as (
    select *, {{ row_place() }} as row_place from {{ staged }}
),

contested as (
    select * from {{ contested }}
),

contested_rows as (
    select row_place from {{ source('ops', 'contested_rows') }} where source = '{{ source_name }}'
),

states as (
    select
        {{ record_key(key_columns) }} as record_key, {{ listed }},
        1::bigint as copies, file_sha256, row_number, load_batch, part_number, part_number as home_part,
        true as is_current, null::varchar as superseded_reason
    from staged
    anti join contested_rows using (row_place)
    union all
    select
        record_key, {{ listed }},
        copies, file_sha256, row_number, load_batch, 0 as part_number, home_part,
        is_current, superseded_reason
    from contested
)

select
    *
    {%- if occurred_at != 'occurred_at' %},
    {{ occurred_at }} as occurred_at
    {%- endif %}
from states
{% endmacro %}
