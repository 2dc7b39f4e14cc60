"""How CPU grows with records, less the cost of a run on next to nothing."""

from __future__ import annotations

import math

from benchmarks import results
from benchmarks.landing import landing_of
from benchmarks.scenarios.row import Row, Say, Sizes
from benchmarks.sides import Limits, run_ours

FEW_RECORDS = 20_000
TARGET = 1.0


def growth_exponent(small: tuple[int, float], large: tuple[int, float], fixed: float) -> float:
    """Exponent of CPU seconds over records between two (records, CPU seconds), less the fixed seconds."""
    return math.log((large[1] - fixed) / (small[1] - fixed)) / math.log(large[0] / small[0])


def measure_growth(sizes: Sizes, say: Say) -> list[Row]:
    """One row, from the two largest sizes with kept full runs."""
    kept = sorted(results.load("full").values(), key=lambda run: run["records"])[-2:]
    target = f"at most {TARGET:.2f} from 10 to 100 million"
    if len(kept) < 2:
        return [Row("growth", "Growth exponent of CPU", "", "needs two full runs", "", target, None)]
    say("a run on next to nothing")
    fixed = run_ours(landing_of(FEW_RECORDS, say=say), Limits(), name="fixed").measured.cpu_seconds
    small, large = ((run["records"], run["cpu_seconds"]) for run in kept)
    title = f"Growth exponent of CPU from {small[0]:,} to {large[0]:,} records, less the fixed part"
    if small[1] <= fixed:
        return [Row("growth", title, f"{fixed:.1f} s fixed", "too small a run to tell", "", target, None)]
    exponent = growth_exponent(small, large, fixed)
    return [
        Row(
            f"growth_{small[0]}_{large[0]}",
            title,
            f"{fixed:.1f} s fixed",
            f"{small[1]:.1f} and {large[1]:.1f} s CPU",
            f"{exponent:.2f}",
            target,
            exponent <= TARGET if large[0] == 100_000_000 else None,
        )
    ]
