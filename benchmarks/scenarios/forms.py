"""gz NDJSON instead of Parquet: flat against the limit query on the same files, upstream against parsing alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

from benchmarks.full_run import pairs_for
from benchmarks.input_forms import FLAT_JSON, UPSTREAM, in_form
from benchmarks.landing import landing_of, read_through
from benchmarks.lines import compare
from benchmarks.processes import run_measured
from benchmarks.scenarios.row import Row, Say, Sizes
from benchmarks.sides import Limits, python_env, run_limit, run_ours, scratch
from orchestration.settings import PROJECT_DIR

FLAT_TARGET, UPSTREAM_TARGET = 2.1, 2.5


def _parse_into_nothing(landing: Path, limits: Limits) -> float:
    folder = scratch("parse")
    out = folder / "parse.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks.parse_json",
        str(landing),
        str(out),
        limits.memory,
        str(limits.threads),
    ]
    run_measured(command, env=python_env(), cwd=PROJECT_DIR, log=folder / "log.txt")
    return float(json.loads(out.read_text(encoding="utf-8"))["seconds"])


def measure_forms(sizes: Sizes, say: Say) -> list[Row]:
    """Two rows. Raises LinesDiffer if a form is billed differently from the Parquet it was made from."""
    limits = Limits()
    say("generating")
    parquet = landing_of(sizes.records, say=say)
    expected = run_limit(parquet, limits).read_lines()
    rows = []
    for form, title, target in (
        (FLAT_JSON, "gz NDJSON, flat, beside the limit query on it", FLAT_TARGET),
        (UPSTREAM, "gz NDJSON, upstream shapes, beside DuckDB parsing it into nothing", UPSTREAM_TARGET),
    ):
        say(f"writing the input as {form}")
        landing = in_form(parquet, form)
        read_through(landing)
        beside, ours = [], []
        for pair in range(pairs_for(sizes.records)):
            say(f"{form}, pair {pair + 1}")
            beside.append(
                run_limit(landing, limits).seconds if form == FLAT_JSON else _parse_into_nothing(landing, limits)
            )
            run = run_ours(landing, limits)
            compare(expected, run.read_lines(), f"ours from {form}")
            ours.append(run.measured.seconds)
        ratio = median(mine / other for mine, other in zip(ours, beside, strict=True))
        rows.append(
            Row(
                f"form_{form}_{sizes.records}",
                f"{title}, {sizes.records:,} records",
                f"{median(beside):.2f} s",
                f"{median(ours):.2f} s",
                f"{ratio:.2f}",
                f"at most {target}",
                ratio <= target,
            )
        )
    return rows
