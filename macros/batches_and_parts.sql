{# What is new is said in two ways. Rows that one model appends are those after the newest it holds: `last_batch`, which
   a build that failed further down has moved on. What models tell each other of a build goes by the last complete one:
   `metered_batch`, which a failed build leaves where it was, so that the next looks at all of it again. Whether there
   is anything to add to: of the model itself `is_incremental()`, of the build `builds_upon_another()`. #}

{# The newest load batch a model already holds, as a literal so that older Parquet parts are skipped. #}
{% macro last_batch(relation) %}
{%- if execute -%}
{{ run_query('select coalesce(max(load_batch), 0) as n from ' ~ relation).columns[0].values()[0] }}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# The newest batch of the last complete build, as a literal: what came after it is new. Where there is none, nothing
   may be added to: dbt, run by itself a second time, would add to what no complete build stands behind. #}
{% macro metered_batch() %}
{%- if execute and flags.WHICH != 'test' -%}
{%- set metered = run_query('select max(load_batch) from ops.metered_batches').columns[0].values()[0] -%}
{%- if metered is none and is_incremental() and flags.WHICH in ('run', 'build') -%}
{{ exceptions.raise_compiler_error(
    'no complete build stands yet to add to: run `meterhouse run`, or dbt with --full-refresh'
) }}
{%- endif -%}
{{ metered or 0 }}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# The newest batch taken in, as a literal. #}
{% macro newest_batch() %}
{%- if execute and flags.WHICH != 'test' -%}
{{ run_query('select coalesce(max(load_batch), 0) from raw.receipts').columns[0].values()[0] }}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# Numbers a query of `ops` finds, as literals that let the engine skip files; 0 is always among them, and
   alone where nothing was ever taken in, as for a linter. #}
{% macro numbers_found(query) %}
{%- if execute and flags.WHICH != 'test' and anything_taken_in() -%}
0{% for number in run_query(query).columns[0].values() | sort %}, {{ number }}{% endfor %}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# The accepted parts of a source newer than a batch, in stretches of some millions of rows: a large
   load is grouped stretch by stretch, in memory, where the whole would not fit. Figures: 55 million
   messages in one grouping 54 s of CPU and on disk, in stretches 20 s and in memory. #}
{% macro part_stretches(source_name, newer_than) %}
{%- set nothing = {'parts': [0], 'load_batch': 0} -%}
{%- if not execute or flags.WHICH == 'test' -%}{{ return([nothing]) }}{%- endif -%}
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
    execute and flags.WHICH != 'test' and not should_full_refresh() and (metered_batch() | trim | int) > 0
) }}
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

{# For a common table expression that reads much and is used more than once: read again, not kept. #}
{% macro not_kept() %}{{ return(adapter.dispatch('not_kept')()) }}{% endmacro %}
{% macro default__not_kept() %}not materialized{% endmacro %}

{% macro anything_taken_in() %}
{{ return(run_query(
    "select count(*) from duckdb_tables() where schema_name = 'ops' and table_name = 'contested_parts'"
).columns[0].values()[0] > 0) }}
{% endmacro %}

{# A filter to the stretch of time that the rows of `relation` span by the column of the same name: the engine
   reads no row group outside it. Nothing where there are none, everything where one has no instant. #}
{% macro within_span_of(column, relation) %}
{%- set row = run_query(
    "select count(*), count(" ~ column ~ "), min(" ~ column ~ ")::varchar, max(" ~ column ~ ")::varchar from " ~ relation
).rows[0] -%}
{%- if row[0] == 0 -%}false
{%- elif row[0] != row[1] -%}true
{%- else -%}{{ column }} between timestamp '{{ row[2] }}' and timestamp '{{ row[3] }}'
{%- endif -%}
{% endmacro %}
