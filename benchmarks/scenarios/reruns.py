"""One month recomputed, and one tenant's month recomputed, from the command line."""

from __future__ import annotations

import sys
from statistics import median

from benchmarks.full_run import pairs_for
from benchmarks.homes import copied
from benchmarks.processes import run_measured
from benchmarks.scenarios.history import history, known_home
from benchmarks.scenarios.row import Row, Say, Sizes
from benchmarks.sides import Limits, python_env, scratch
from orchestration.settings import PROJECT_DIR

MONTH_TARGET, TENANT_TARGET = 1.0, 0.5
CLI = [sys.executable, "-m", "orchestration.cli"]


def measure_reruns(sizes: Sizes, say: Say) -> list[Row]:
    """Two rows; from each time that of a run with nothing new is subtracted, which is only start-up."""
    limits = Limits()
    found = history(sizes, say)
    folder = scratch("reruns")
    home = copied(known_home(sizes, found, say), folder / "home")
    env = python_env(
        METERHOUSE_HOME=str(home), METERHOUSE_LANDING=str(found.known), METERHOUSE_MEMORY_LIMIT=limits.memory
    )
    month = f"{found.months[sizes.history_months // 2]:%Y-%m}"
    rows = []
    for name, title, options, target in (
        ("month_again", "One month again", [], MONTH_TARGET),
        ("tenant_month_again", "One tenant's month again", ["--tenant", "tnt_0003"], TENANT_TARGET),
    ):
        seconds = []
        for number in range(pairs_for(sizes.month_records)):
            say(f"{title}, run {number + 1}")
            run_measured([*CLI, "run", "--json"], env=env, cwd=PROJECT_DIR, log=folder / "known.txt")
            idle = run_measured([*CLI, "run", "--json"], env=env, cwd=PROJECT_DIR, log=folder / "idle.txt").seconds
            chosen = ["run", "--json", "--month", month, *options, "--reason", "measured"]
            again = run_measured([*CLI, *chosen], env=env, cwd=PROJECT_DIR, log=folder / "again.txt")
            seconds.append(again.seconds - idle)
        beyond = median(seconds)
        figure = "beyond a run with nothing new"
        rows.append(Row(name, title, "", f"{beyond:.2f} s", figure, f"at most {target} s", beyond <= target))
    return rows
