"""SQLite from the standard library: load the CSV, then run the shared query."""

from __future__ import annotations

import csv
import sqlite3
import time

import peer_io
import sql_text

landing, parameters, out = peer_io.arguments()
started = time.perf_counter()
database = out.with_suffix(".sqlite")
database.unlink(missing_ok=True)
connection = sqlite3.connect(database)
# A throw-away file needs no journal.
connection.executescript("pragma journal_mode = off; pragma synchronous = off; pragma temp_store = memory;")
connection.execute("pragma threads = 2")
for source, columns in sql_text.SOURCES.items():
    kinds = ", ".join(
        f"{sql_text.column_name(name)} {'integer' if name in sql_text.WHOLE_NUMBERS else 'text'}" for name in columns
    )
    connection.execute(f"create table {source} ({kinds})")
    marks = ", ".join("?" * len(columns))
    for path in sorted((landing / source).glob("*bulk*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            header = next(reader)
            wanted = [header.index(name) for name in columns]
            connection.executemany(
                f"insert into {source} values ({marks})", (tuple(row[place] for place in wanted) for row in reader)
            )
for table, (kinds, rows) in sql_text.parameter_tables(parameters).items():
    connection.execute(f"create table {table} ({kinds})")
    connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)
connection.commit()
loaded = time.perf_counter() - started
# Instants are ISO text in UTC, so their first seven characters are the month.
text = sql_text.query(
    {
        "month": lambda column: f"substr({column}, 1, 7)",
        "day_before": lambda column: f"datetime({column}, '-24 hours')",
        "is_true": lambda column: f"{column} = 'true'",
        "div": sql_text.divided,
    }
)
answer = connection.execute(text).fetchall()
seconds = time.perf_counter() - started
connection.close()
database.unlink()
peer_io.finish(out, answer, seconds, version=sqlite3.sqlite_version, reads="CSV", load_seconds=loaded)
