"""The limit query in its own process: parameters are loaded first, then the one query is timed.

`python -m benchmarks.limit LANDING OUT MEMORY THREADS` writes `OUT` (JSON) and the lines beside it (CSV).
Start-up and parameters are outside its clock on purpose: the yardstick is never handicapped.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import duckdb

from benchmarks.input_forms import relation_of
from benchmarks.landing import USAGE, months_of
from benchmarks.parameters import COLUMNS, Parameters, load_parameters

# Conversations hold nothing a line needs: the bulk has no spam, imports or merges.
SOURCES_READ = tuple(source for source in USAGE if source != "kustomer_conversations")
QUERY = Path(__file__).with_name("limit_query.sql")

# Longest prefix first, worked out once for every four leading digits.
MARKET_PREFIXES = """
create table market_prefixes as
select prefixes.prefix, coalesce(markets.market, 'Other') as market
from (select format('{:04d}', n) as prefix from range(10000) as numbers(n)) as prefixes
left join markets on starts_with(prefixes.prefix, markets.calling_prefix)
qualify row_number() over (partition by prefixes.prefix order by length(markets.calling_prefix) desc) = 1
"""

# The first reply after the customer's first message, for conversations that also have an earlier reply.
LOOKED_AT_TWICE = """
create table looked_at_twice as
with conversations as (
    select
        hash(conversation_id) as conversation,
        min(case when direction = 'in' then sent_at end) as first_in,
        min(case when direction = 'out' and assistant_type = 'premium' then sent_at end) as first_out,
    from {messages}
    group by hash(conversation_id)
    having first_out <= first_in
)
select conversations.conversation, min(messages.sent_at) as first_out
from {messages} as messages
inner join conversations on hash(messages.conversation_id) = conversations.conversation
where
    messages.direction = 'out' and messages.assistant_type = 'premium'
    and messages.sent_at > conversations.first_in
group by conversations.conversation
"""


def limit_query(landing: Path) -> str:
    """The query over the bulk files of `landing`, whatever their form."""
    return QUERY.read_text(encoding="utf-8").format(**{source: relation_of(landing, source) for source in SOURCES_READ})


def connect(memory_limit: str, threads: int, spill: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with the limits both sides get."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"set memory_limit = '{memory_limit}'")
    connection.execute(f"set threads = {threads}")
    connection.execute("set preserve_insertion_order = false")
    connection.execute(f"set temp_directory = '{str(spill).replace(chr(39), chr(39) * 2)}'")
    return connection


def load_tables(connection: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Write the parameters as tables, accounts with the hash the query joins on."""
    for table, columns in COLUMNS.items():
        connection.execute(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        rows = getattr(parameters, table)
        if rows:
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"insert into {table} values ({marks})", rows)
    connection.execute("alter table accounts add column account ubigint")
    connection.execute("update accounts set account = hash(account_id)")
    connection.execute(MARKET_PREFIXES)


def main(landing: Path, out: Path, memory_limit: str, threads: int) -> None:
    with connect(memory_limit, threads, out.with_suffix(".spill")) as connection:
        load_tables(connection, load_parameters(landing, months_of(landing)))
        connection.execute(LOOKED_AT_TWICE.format(messages=relation_of(landing, "kustomer_messages")))
        query = limit_query(landing)
        before, started = os.times(), time.perf_counter()
        connection.execute(f"create temp table lines as {query}")
        seconds, after = time.perf_counter() - started, os.times()
        lines = out.with_suffix(".csv")
        connection.execute(f"copy (select * from lines order by all) to '{lines}' (format csv, header true)")
    cpu = after.user + after.system - before.user - before.system
    out.write_text(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "lines": str(lines)}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
