"""Nothing new among thousands of known files: time from the command line, and bytes written."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.disk import bytes_written, state_of
from benchmarks.homes import kept_home, linked
from benchmarks.landing import bench_dir, landing_of
from benchmarks.processes import run_measured
from benchmarks.scenarios.row import Row, Say, Sizes
from benchmarks.sides import Limits, python_env, run_ours, scratch
from orchestration.settings import PROJECT_DIR

RECORDS = 50_000
TARGET, RUNS = 0.5, 5


def _many_files(files: int, say: Say) -> Path:
    """A small landing folder whose chat messages are split into `files` files."""
    small = landing_of(RECORDS, say=say)
    landing = linked(
        small, bench_dir() / "scratch_landings" / f"files_{files}", lambda p: "kustomer_messages" not in str(p)
    )
    folder = landing / "kustomer_messages"
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        messages = str(small / "kustomer_messages" / "*.parquet").replace("'", "''")
        found = connection.execute(
            "select * replace (strftime(sent_at, '%Y-%m-%dT%H:%M:%SZ') as sent_at, "
            f"strftime(updated_at, '%Y-%m-%dT%H:%M:%SZ') as updated_at) from read_parquet('{messages}')"
        )
        header = [column[0] for column in found.description or []]
        rows = found.fetchall()
    known = sum(1 for path in landing.rglob("*") if path.is_file() and not path.name.startswith("."))
    cut = files - known
    for number in range(cut):
        with (folder / f"part{number:05d}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows[number::cut])
    return landing


def measure_nothing_new(sizes: Sizes, say: Say) -> list[Row]:
    """One row; also not met if a byte of the home changed."""
    limits = Limits()
    say(f"writing {sizes.files:,} files")
    landing = bench_dir() / "scratch_landings" / f"files_{sizes.files}"
    if not (landing / ".complete").exists():
        landing = _many_files(sizes.files, say)

    def build(home: Path) -> None:
        say(f"taking in {sizes.files:,} files")
        run_ours(landing, limits, name="files", home=home)

    home = kept_home(f"files_{sizes.files}", build)
    env = python_env(METERHOUSE_HOME=str(home), METERHOUSE_LANDING=str(landing), METERHOUSE_MEMORY_LIMIT=limits.memory)
    folder = scratch("nothing-new")
    # JSON, so that the decision is timed and not the printing of two thousand invoices.
    command = [sys.executable, "-m", "orchestration.cli", "run", "--json"]
    before = state_of(home)
    runs = []
    for number in range(RUNS):
        say(f"nothing new, run {number + 1}")
        runs.append(run_measured(command, env=env, cwd=PROJECT_DIR, log=folder / "log.txt"))
    said = (folder / "log.txt").read_text(encoding="utf-8")
    written = bytes_written(before, state_of(home))
    is_idle = '"nothing_new": true' in said
    seconds = median(run.seconds for run in runs)
    return [
        Row(
            f"nothing_new_{sizes.files}",
            f"Nothing new, {sizes.files:,} known files, from the command line",
            "",
            f"{seconds:.2f} s",
            f"{written:,} bytes written" + ("" if is_idle else ", but it ran"),
            f"at most {TARGET} s and 0 bytes",
            seconds <= TARGET and written == 0 and is_idle,
        )
    ]
