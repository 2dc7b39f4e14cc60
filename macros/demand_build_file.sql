{# Run before all that dbt itself builds: everything here reads relations that the product's own run makes, such as those
   of the landed files, so that without them every model would fail with an error of its own. #}
{% macro demand_build_file() %}
{%- if execute -%}
{%- set there = run_query(
    "select count(*) from duckdb_tables() where schema_name = 'ops' and table_name = 'metered_batches'"
).columns[0].values()[0] -%}
{%- if not there -%}
{{ exceptions.raise_compiler_error(
    'METERHOUSE_WAREHOUSE names no build file of meterhouse. Run `meterhouse run` once, set METERHOUSE_WAREHOUSE to a copy'
    ~ ' of var/warehouse.duckdb, and start dbt again: see "Plain dbt" in CONTRIBUTING.md'
) }}
{%- endif -%}
{%- endif -%}
{% endmacro %}
