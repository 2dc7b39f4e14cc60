{# There are two ways to tell what is new. A model that appends rows uses `last_batch`, the newest batch it already
   holds; a build that failed further down has already moved this on. Information that models pass to each other
   during a build uses `metered_batch`, the newest batch of the last complete build; a failed build leaves this
   unchanged, so the next build processes everything since then again. To ask whether there is anything to add to, use
   `is_incremental()` for a model and `builds_upon_another()` for the whole build. #}

{# The newest load batch a model already holds, as a literal so that older Parquet parts are skipped. #}
{% macro last_batch(relation) %}
{%- if execute -%}
{{ run_query('select coalesce(max(load_batch), 0) as n from ' ~ relation).columns[0].values()[0] }}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# The newest batch of the last complete build, as a literal; anything after it is new. Without a complete build
   nothing may be appended: dbt run directly a second time would append to an incomplete build. #}
{% macro metered_batch() %}
{%- if execute and not in_unit_test() -%}
{%- set metered = run_query('select max(load_batch) from ops.metered_batches').columns[0].values()[0] -%}
{%- if metered is none and is_incremental() and is_writing() -%}
{{ exceptions.raise_compiler_error(
    'there is no complete build to add to yet: run `meterhouse run`, or dbt with --full-refresh'
) }}
{%- endif -%}
{{ metered or 0 }}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# The newest batch ingested, as a literal. #}
{% macro newest_batch() %}
{%- if execute and not in_unit_test() -%}
{{ run_query('select coalesce(max(load_batch), 0) from raw.receipts').columns[0].values()[0] }}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# The numbers a query on `ops` returns, as literals that let the engine skip files. The list always contains 0, and
   only 0 if nothing was ever ingested, as when a linter runs. #}
{% macro numbers_found(query) %}
{%- if execute and not in_unit_test() and anything_taken_in() -%}
0{% for number in run_query(query).columns[0].values() | sort %}, {{ number }}{% endfor %}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# The accepted parts of a source newer than a batch, in stretches of a few million rows. A large load is grouped one
   stretch at a time, in memory; all of it at once would not fit. Measured on 55 million messages: 54 s of CPU and
   spilling to disk in one grouping, 20 s and in memory in stretches. #}
{% macro part_stretches(source_name, newer_than) %}
{%- set nothing = {'parts': [0], 'load_batch': 0} -%}
{%- if not execute or in_unit_test() -%}{{ return([nothing]) }}{%- endif -%}
{%- set parts = run_query(
    "select part_number, rows_accepted, load_batch from raw.receipts where status = 'accepted' and source = '"
    ~ source_name ~ "' and load_batch > " ~ newer_than ~ " order by part_number"
).rows -%}
{%- set stretches = [] -%}
{%- set filled = namespace(rows=0) -%}
{%- for part in parts -%}
    {%- if not stretches or (filled.rows > 0 and filled.rows + part[1] > 4000000) -%}
        {%- do stretches.append({'parts': [], 'load_batch': 0}) -%}{%- set filled.rows = 0 -%}
    {%- endif -%}
    {%- do stretches[-1].parts.append(part[0]) -%}
    {%- do stretches[-1].update({'load_batch': part[2]}) -%}
    {%- set filled.rows = filled.rows + part[1] -%}
{%- endfor -%}
{{ return(stretches or [{'parts': [-1], 'load_batch': newer_than}]) }}
{% endmacro %}

{# Whether this build adds to an earlier complete one: is_incremental() for the hook of a view. #}
{% macro builds_upon_another() %}
{{ return(
    is_being_built() and not should_full_refresh() and (metered_batch() | trim | int) > 0
) }}
{% endmacro %}

{# Whether a table with the relation's name exists. #}
{% macro relation_exists(relation) %}
{{ return(run_query(
    "select count(*) from duckdb_tables() where database_name = current_database() and schema_name = '"
    ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "'"
).columns[0].values()[0] > 0) }}
{% endmacro %}

{# Whether any row of a source was ever accepted. #}
{% macro any_rows_of(source_name) %}
{{ return(run_query(
    "select coalesce(sum(rows_accepted), 0) from raw.receipts where status = 'accepted' and source = '"
    ~ source_name ~ "'"
).columns[0].values()[0] > 0) }}
{% endmacro %}

{# For a common table expression that reads a lot and is used more than once: it is read again, not materialized. #}
{% macro not_kept() %}{{ return(adapter.dispatch('not_kept')()) }}{% endmacro %}
{% macro default__not_kept() %}not materialized{% endmacro %}

{% macro anything_taken_in() %}
{{ return(run_query(
    "select count(*) from duckdb_tables() where schema_name = 'ops' and table_name = 'contested_parts'"
).columns[0].values()[0] > 0) }}
{% endmacro %}

{# Filters to the time range that the rows of `relation` span in the column of the same name, so that the engine reads
   no row group outside it. Selects nothing if there are no rows, and everything if a row has no timestamp. #}
{% macro within_span_of(column, relation) %}
{%- set row = run_query(
    "select count(*), count(" ~ column ~ "), min(" ~ column ~ ")::varchar, max(" ~ column ~ ")::varchar from " ~ relation
).rows[0] -%}
{%- if row[0] == 0 -%}false
{%- elif row[0] != row[1] -%}true
{%- else -%}{{ column }} between timestamp '{{ row[2] }}' and timestamp '{{ row[3] }}'
{%- endif -%}
{% endmacro %}
