"""The targets beyond the full run, each a function of `Sizes` that returns rows and prints nothing."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.scenarios.forms import measure_forms
from benchmarks.scenarios.growth import measure_growth
from benchmarks.scenarios.history import measure_late_file, measure_month_on_history
from benchmarks.scenarios.memory import measure_memory
from benchmarks.scenarios.nothing_new import measure_nothing_new
from benchmarks.scenarios.queries import measure_explain, measure_queries
from benchmarks.scenarios.reruns import measure_reruns
from benchmarks.scenarios.row import Row, Say, Sizes

SCENARIOS: dict[str, Callable[[Sizes, Say], list[Row]]] = {
    "forms": measure_forms,
    "memory": measure_memory,
    "history": measure_month_on_history,
    "late": measure_late_file,
    "nothing-new": measure_nothing_new,
    "reruns": measure_reruns,
    "explain": measure_explain,
    "queries": measure_queries,
    "growth": measure_growth,
}

__all__ = ["SCENARIOS", "Row", "Say", "Sizes"]
