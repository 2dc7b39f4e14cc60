"""The two sides of every pair: one run of the limit query, one run of ours from landing to published marts.

Each in its own processes, ours on a fresh warehouse with its start-up counted.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.disk import bytes_beyond
from benchmarks.landing import bench_dir
from benchmarks.lines import Lines, lines_of_csv, lines_of_release
from benchmarks.processes import Measured, run_measured
from orchestration.settings import PROJECT_DIR


@dataclass(frozen=True)
class Limits:
    """How much of the machine a run may use."""

    memory: str = field(default_factory=lambda: os.environ.get("METERHOUSE_MEMORY_LIMIT", "2GB"))
    threads: int = field(default_factory=lambda: int(os.environ.get("METERHOUSE_THREADS") or os.cpu_count() or 2))


@dataclass(frozen=True)
class LimitRun:
    """One run of the limit query: its own seconds, without start-up and parameters."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    spilled_bytes: int
    lines: Path

    def read_lines(self) -> Lines:
        return lines_of_csv(self.lines)


@dataclass(frozen=True)
class OurRun:
    """One run of ours: whole process tree, start-up included."""

    measured: Measured
    stages: dict[str, float]
    layers: dict[str, float]
    slowest: dict[str, float]
    database: Path
    disk_bytes: int
    models_run: int

    def read_lines(self) -> Lines:
        return lines_of_release(self.database)


def scratch(name: str) -> Path:
    """An empty folder for one run."""
    folder = bench_dir() / "scratch" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def python_env(**extra: str) -> dict[str, str]:
    """The environment of a child that imports this project."""
    return {**os.environ, "PYTHONPATH": str(PROJECT_DIR), "DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false", **extra}


def run_limit(landing: Path, limits: Limits, name: str = "limit") -> LimitRun:
    """Run the limit query over the landing."""
    folder = scratch(name)
    out = folder / "limit.json"
    command = [sys.executable, "-m", "benchmarks.limit", str(landing), str(out), limits.memory, str(limits.threads)]
    measured = run_measured(
        command, env=python_env(), cwd=PROJECT_DIR, log=folder / "log.txt", spill=out.with_suffix(".spill")
    )
    told = json.loads(out.read_text(encoding="utf-8"))
    return LimitRun(
        told["seconds"], told["cpu_seconds"], measured.peak_bytes, measured.spilled_bytes, Path(told["lines"])
    )


def run_ours(landing: Path, limits: Limits, name: str = "ours", home: Path | None = None) -> OurRun:
    """Take in, build, judge and publish `landing`; on a fresh warehouse unless `home` is given."""
    folder = scratch(name)
    place = home or folder / "home"
    out = folder / "ours.json"
    command = [
        *(sys.executable, "-m", "benchmarks.child", str(landing), str(place)),
        *(limits.memory, str(limits.threads), str(out)),
    ]
    measured = run_measured(command, env=python_env(), cwd=PROJECT_DIR, log=folder / "log.txt", spill=place / "tmp")
    told = json.loads(out.read_text(encoding="utf-8"))
    return OurRun(
        measured=measured,
        stages=told["stages"],
        layers=told["layers"],
        slowest=told["slowest"],
        database=Path(told["database"]),
        disk_bytes=bytes_beyond(place, landing),
        models_run=told["models_run"],
    )
