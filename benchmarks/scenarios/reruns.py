"""One month again and one tenant's month again, where the command line offers it."""

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

# What `meterhouse run` calls computing again what is known; the rows say so where it has no such option.
AGAIN, TENANT = "--again", "--tenant"
MONTH_TARGET, TENANT_TARGET = 1.0, 0.5
CLI = [sys.executable, "-m", "orchestration.cli"]


def measure_reruns(sizes: Sizes, say: Say) -> list[Row]:
    """Two rows; times are beyond start-up, which is what the program needs to say its version of help."""
    folder = scratch("reruns")
    env = python_env(COLUMNS="200")
    run_measured([*CLI, "run", "--help"], env=env, cwd=PROJECT_DIR, log=folder / "help.txt")
    offered = (folder / "help.txt").read_text(encoding="utf-8")
    wanted = (
        ("month_again", "One month again", [AGAIN], MONTH_TARGET),
        ("tenant_month_again", "One tenant's month again", [AGAIN, TENANT], TENANT_TARGET),
    )
    if not all(option in offered for option in (AGAIN, TENANT)):
        return [
            Row(name, title, "", "not offered", "", f"at most {target} s beyond start-up", None)
            for name, title, _, target in wanted
        ]
    limits = Limits()
    found = history(sizes, say)
    home = copied(known_home(sizes, found, say), folder / "home")
    env = python_env(
        METERHOUSE_HOME=str(home), METERHOUSE_LANDING=str(found.known), METERHOUSE_MEMORY_LIMIT=limits.memory
    )
    month = f"{found.months[sizes.history_months // 2]:%Y-%m}"
    rows = []
    for name, title, options, target in wanted:
        chosen = ["--month", month, AGAIN, *(["--tenant", "tnt_0003"] if TENANT in options else [])]
        seconds = []
        for number in range(pairs_for(sizes.month_records)):
            say(f"{title}, run {number + 1}")
            idle = run_measured([*CLI, "run", "--json"], env=env, cwd=PROJECT_DIR, log=folder / "idle.txt").seconds
            again = run_measured([*CLI, "run", "--json", *chosen], env=env, cwd=PROJECT_DIR, log=folder / "again.txt")
            seconds.append(again.seconds - idle)
        beyond = median(seconds)
        rows.append(
            Row(
                name,
                title,
                "",
                f"{beyond:.2f} s",
                "beyond a run with nothing new",
                f"at most {target} s",
                beyond <= target,
            )
        )
    return rows
