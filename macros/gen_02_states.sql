{# GEN-02 in one place. Collapses exact duplicates of each record key, picks the winning state
   by update time, then status rank, then hash of the canonical row, and says why the others
   lost. Only keys with fresh rows are looked at again, so the cost follows what is new.
   Only contested keys (more than one row) pay for hashing and ranking. #}
{% macro gen_02_states(staged, columns, key_columns, updated_at, occurred_at, record_type) %}
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
    from {{ staged }}
    {% if is_incremental() %}where load_batch > {{ last_batch(this) }}{% endif %}
),

candidates as (
    select * from fresh
    {% if is_incremental() %}
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
        max(load_batch)::integer as load_batch
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
        preference = 1 as is_current,
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
        true as is_current, null::varchar as superseded_reason
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
