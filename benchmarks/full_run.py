"""The main measurement: landing to published marts compared with the limit query, in pairs on the same input."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.landing import landing_of, read_through
from benchmarks.lines import compare
from benchmarks.sides import LimitRun, Limits, OurRun, run_limit, run_ours

Say = Callable[[str], None]
PAIRS_UP_TO_10_MILLION, PAIRS_ABOVE = 5, 3


@dataclass(frozen=True)
class FullRun:
    """Medians over the pairs; seconds, bytes. `noise` is the A/A pair's slower limit run by its faster."""

    records: int
    memory_limit: str
    pairs: int
    noise: float
    lines: int
    total: str
    limit_seconds: float
    limit_cpu_seconds: float
    limit_peak_bytes: int
    limit_spilled_bytes: int
    seconds: float
    cpu_seconds: float
    ratio: float
    cpu_ratio: float
    peak_bytes: int
    spilled_bytes: int
    disk_bytes: int
    stages: dict[str, float]
    layers: dict[str, float]
    slowest: dict[str, float]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def pairs_for(records: int) -> int:
    """Pairs to run: METERHOUSE_BENCH_PAIRS, else five up to 10 million and three above."""
    chosen = os.environ.get("METERHOUSE_BENCH_PAIRS")
    return int(chosen) if chosen else (PAIRS_UP_TO_10_MILLION if records <= 10_000_000 else PAIRS_ABOVE)


def measure(records: int, say: Say, limits: Limits | None = None) -> FullRun:
    """Measure one size. Raises LinesDiffer if a run of ours bills lines that differ from the limit query's."""
    say(f"generating {records:,} records (kept for the next time)")
    landing = landing_of(records, say=lambda text: say(f"generating {records:,} records: {text}"))
    return measure_landing(landing, records, say, limits or Limits())


def measure_landing(landing: Path, records: int, say: Say, limits: Limits) -> FullRun:
    """Measure one landing folder."""
    say("reading the input once")
    read_through(landing)
    say("the limit query against itself")
    first, second = run_limit(landing, limits), run_limit(landing, limits)
    noise = max(first.seconds, second.seconds) / min(first.seconds, second.seconds)
    sides: list[tuple[LimitRun, OurRun]] = []
    compared = None
    pairs = pairs_for(records)
    for pair in range(1, pairs + 1):
        say(f"{records:,} records, pair {pair} of {pairs}: the limit query")
        limit = run_limit(landing, limits)
        say(f"{records:,} records, pair {pair} of {pairs}: landing to published marts")
        ours = run_ours(landing, limits)
        compared = compare(limit.read_lines(), ours.read_lines(), "ours")
        sides.append((limit, ours))
    assert compared is not None
    typical = sorted((ours for _, ours in sides), key=lambda run: run.measured.seconds)[(len(sides) - 1) // 2]
    return FullRun(
        records=records,
        memory_limit=limits.memory,
        pairs=pairs,
        noise=noise,
        lines=compared.lines,
        total=str(compared.total),
        limit_seconds=median(limit.seconds for limit, _ in sides),
        limit_cpu_seconds=median(limit.cpu_seconds for limit, _ in sides),
        limit_peak_bytes=max(limit.peak_bytes for limit, _ in sides),
        limit_spilled_bytes=max(limit.spilled_bytes for limit, _ in sides),
        seconds=median(ours.measured.seconds for _, ours in sides),
        cpu_seconds=median(ours.measured.cpu_seconds for _, ours in sides),
        ratio=median(ours.measured.seconds / limit.seconds for limit, ours in sides),
        cpu_ratio=median(ours.measured.cpu_seconds / limit.cpu_seconds for limit, ours in sides),
        peak_bytes=max(ours.measured.peak_bytes for _, ours in sides),
        spilled_bytes=max(ours.measured.spilled_bytes for _, ours in sides),
        disk_bytes=typical.disk_bytes,
        stages=typical.stages,
        layers=typical.layers,
        slowest=typical.slowest,
    )
