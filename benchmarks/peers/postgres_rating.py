"""The distribution's PostgreSQL: a private cluster on its own socket, COPY, analyze, the shared query.

Needs the programs of Debian's package postgresql. As root it runs them as user postgres.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import peer_io
import sql_text

landing, parameters, out = peer_io.arguments()
programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))[-1]
# Short on purpose: the path of a socket may have only a hundred characters.
root = Path(tempfile.mkdtemp(prefix="mhpg"))
user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
if user:
    shutil.chown(root, "postgres")
environment = {**os.environ, "PGHOST": str(root), "PGDATABASE": "postgres", "PGUSER": "postgres"}
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": str(root),
    "shared_buffers": "512MB",
    "work_mem": "256MB",
    "maintenance_work_mem": "256MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "8GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "max_parallel_workers_per_gather": str(os.cpu_count() or 2),
}


def psql(text: str, data: bytes | None = None) -> str:
    """Run commands from standard input, or one command that reads `data` from there."""
    command = [str(programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-At"]
    command += [] if data is None else ["-c", text]
    given = text.encode() if data is None else data
    done = subprocess.run(command, input=given, env=environment, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return done.stdout.decode()


def is_instant(name: str) -> bool:
    return name.endswith(("_at", "_time", "_timestamp", "_sent"))


def kind(name: str) -> str:
    if name == "billable":
        return "boolean"
    return "bigint" if name in sql_text.WHOLE_NUMBERS else "timestamp" if is_instant(name) else "text"


try:
    run = [*user, str(programs / "initdb"), "-D", str(root / "data"), "-A", "trust", "-U", "postgres", "--no-sync"]
    subprocess.run(run, check=True, capture_output=True, cwd="/")
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    # Started here and not by pg_ctl, so that the server is a child whose memory and CPU are counted.
    command = [*user, str(programs / "postgres"), "-D", str(root / "data"), *options]
    server = subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ready = [str(programs / "pg_isready"), "-q", "-h", str(root)]
        while subprocess.run(ready).returncode and server.poll() is None:
            time.sleep(0.1)
        started = time.perf_counter()
        for source, columns in sql_text.SOURCES.items():
            files = sorted((landing / source).glob("*bulk*.csv"))
            with files[0].open(encoding="utf-8") as first:
                header = first.readline().strip().split(",")
            described = ", ".join(
                f'"{sql_text.column_name(name)}" {kind(name) if name in columns else "text"}' for name in header
            )
            psql(f"create unlogged table {source} ({described});")
            for path in files:
                # Read by the client: user postgres has no access to the file's folder.
                psql(f"\\copy {source} from '{path}' (format csv, header true)\n")
        for table, (kinds, rows) in sql_text.parameter_tables(parameters).items():
            text = io.StringIO()
            csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
            psql(f"create unlogged table {table} ({kinds});")
            psql(f"copy {table} from stdin (format csv)", text.getvalue().encode())
        psql("analyze;")
        loaded = time.perf_counter() - started
        query = sql_text.query(
            {
                "month": lambda column: f"to_char({column}, 'YYYY-MM')",
                "day_before": lambda column: f"{column} - interval '24 hours'",
                "is_true": lambda column: column,
                "div": sql_text.divided,
            }
        )
        answer = psql(f"copy ({query}) to stdout (format csv);")
        seconds = time.perf_counter() - started
        version = psql("show server_version;").strip()
    finally:
        stop = [*user, str(programs / "pg_ctl"), "-D", str(root / "data"), "-m", "immediate", "stop"]
        subprocess.run(stop, capture_output=True, cwd="/")
        server.wait()
finally:
    shutil.rmtree(root, ignore_errors=True)
lines = [tuple(row) for row in csv.reader(io.StringIO(answer))]
peer_io.finish(out, lines, seconds, version=version, reads="CSV", load_seconds=loaded)
