"""The same run in 2 GB and in 8 GB: peak memory of all processes, and what the small limit costs."""

from __future__ import annotations

from statistics import median

from benchmarks.full_run import pairs_for
from benchmarks.landing import landing_of, read_through
from benchmarks.lines import compare
from benchmarks.scenarios.row import Row, Say, Sizes
from benchmarks.sides import Limits, OurRun, run_limit, run_ours

SMALL, LARGE = "2GB", "8GB"
MOST_BYTES, SLOWDOWN = 3e9, 1.15


def measure_memory(sizes: Sizes, say: Say) -> list[Row]:
    """Two rows: memory at the small limit, and the slow-down compared with the large one."""
    say("generating")
    landing = landing_of(sizes.records, say=say)
    read_through(landing)
    expected = run_limit(landing, Limits()).read_lines()
    found: dict[str, list[OurRun]] = {SMALL: [], LARGE: []}
    for pair in range(pairs_for(sizes.records)):
        for memory, runs in found.items():
            say(f"{memory}, run {pair + 1}")
            runs.append(run_ours(landing, Limits(memory=memory)))
            compare(expected, runs[-1].read_lines(), f"ours in {memory}")
    small, large = (median(run.measured.seconds for run in runs) for runs in (found[SMALL], found[LARGE]))
    peak, large_peak = (max(run.measured.peak_bytes for run in runs) for runs in (found[SMALL], found[LARGE]))
    size = f"{sizes.records:,} records"
    return [
        Row(
            f"memory_{sizes.records}",
            f"Memory of all processes at a {SMALL} limit, {size}",
            f"{large_peak / 1e9:.2f} GB at {LARGE}",
            f"{peak / 1e9:.2f} GB",
            f"{peak / 1e9:.2f} GB",
            "at most 3 GB",
            peak <= MOST_BYTES,
        ),
        Row(
            f"memory_slowdown_{sizes.records}",
            f"Slow-down of a {SMALL} limit against {LARGE}, {size}",
            f"{large:.2f} s",
            f"{small:.2f} s",
            f"{small / large:.2f}",
            f"at most {SLOWDOWN}",
            small / large <= SLOWDOWN,
        ),
    ]
