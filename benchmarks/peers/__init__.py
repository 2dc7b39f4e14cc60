"""Other engines on the same input, each a script in its own environment, made under METERHOUSE_BENCH_DIR.

The only part of the benchmark that may use the network, to install a peer. None of it is in the lock file.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.input_forms import CSV, FLAT_JSON, PARQUET, in_form
from benchmarks.landing import bench_dir, landing_of, months_of, read_through
from benchmarks.lines import compare, lines_of_csv
from benchmarks.parameters import COLUMNS, load_parameters
from benchmarks.processes import CommandFailed, run_measured
from benchmarks.sides import LimitRun, Limits, run_limit, scratch

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """A script, the form it reads, what is installed for it, and a program it needs from the distribution."""

    script: str
    form: str
    packages: tuple[str, ...] = ()
    program: str = ""
    advice: str = ""


PEERS = {
    "polars": Peer("polars_rating.py", PARQUET, ("polars",)),
    "pandas": Peer("pandas_rating.py", PARQUET, ("pandas", "pyarrow")),
    "sqlite": Peer("sqlite_rating.py", CSV),
    "event-loop": Peer("event_loop.py", FLAT_JSON),
    "postgres": Peer("postgres_rating.py", CSV, program="psql", advice="apt-get install postgresql"),
    "spark": Peer("spark_rating.py", PARQUET, ("pyspark",), "java", "apt-get install default-jre-headless"),
}


def _python_of(name: str, peer: Peer, say: Callable[[str], None]) -> Path:
    """The interpreter of a peer's own environment, which is made if it does not exist."""
    root = bench_dir() / "venvs" / name
    python = root / "bin" / "python"
    if (root / ".complete").exists():
        return python
    say(f"{name}: making its environment")
    shutil.rmtree(root, ignore_errors=True)
    venv.create(root, with_pip=bool(peer.packages))
    if peer.packages:
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.packages]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise CommandFailed(f"{name} could not be installed:\n{done.stderr.strip()[-2000:]}")
    (root / ".complete").touch()
    return python


def _write_parameters(landing: Path, folder: Path) -> None:
    parameters = load_parameters(landing, months_of(landing))
    for table, columns in COLUMNS.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(getattr(parameters, table))


def prepare(records: int, say: Callable[[str], None]) -> tuple[Path, LimitRun]:
    """The input and the limit's answer to it, which every peer must give."""
    say(f"generating {records:,} records")
    landing = landing_of(records, say=say)
    read_through(landing)
    run_limit(landing, Limits())
    return landing, run_limit(landing, Limits(), name="peer_limit")


def measure_peer(name: str, parquet: Path, limit: LimitRun, say: Callable[[str], None]) -> dict[str, Any]:
    """Figures of one peer. Raises LinesDiffer if it bills differently, CommandFailed if it cannot run."""
    peer = PEERS[name]
    if peer.program and shutil.which(peer.program) is None:
        raise CommandFailed(f"{name} needs {peer.program}: {peer.advice}")
    python = _python_of(name, peer, say)
    say(f"{name}: preparing its input")
    landing = in_form(parquet, peer.form)
    read_through(landing)
    folder = scratch(f"peer_{name}")
    _write_parameters(parquet, folder)
    out = folder / "answer.json"
    say(f"{name}: running")
    measured = run_measured(
        [str(python), str(HERE / peer.script), str(landing), str(folder), str(out)], log=folder / "log.txt"
    )
    compare(limit.read_lines(), lines_of_csv(out.with_suffix(".csv")), name)
    told = json.loads(out.read_text(encoding="utf-8"))
    return {
        "seconds": told["seconds"],
        "load_seconds": told["load_seconds"],
        "reads": told["reads"],
        "version": told["version"],
        "cpu_seconds": measured.cpu_seconds,
        "peak_bytes": measured.peak_bytes,
    }


def limit_figures(limit: LimitRun) -> dict[str, Any]:
    """The limit query as a row beside its peers."""
    return {
        "seconds": limit.seconds,
        "load_seconds": 0.0,
        "reads": "Parquet",
        "version": f"Python {sys.version.split()[0]}",
        "cpu_seconds": limit.cpu_seconds,
        "peak_bytes": limit.peak_bytes,
    }
