"""Entries of the key index by the thousand, as plain numbers: sorted before numpy and pyarrow would be loaded (0.2 s).

Has the functions of many_entries.py, and reads and writes the same files.
"""

from __future__ import annotations

import heapq
import mmap
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

import duckdb

from orchestration.warehouse.entry_form import PART_BITS, PART_MASK

# With more of them a search in plain Python takes longer than loading what searches faster.
MOST = 10_000


def read(session: duckdb.DuckDBPyConnection, query: str, _count: int) -> tuple[Sequence[int], Collection[int]]:
    """The entries that `query` gives in its first column, sorted, and what its second has, each once."""
    rows = session.execute(query).fetchall()
    return array("Q", sorted(entry for entry, _ in rows)), {part_day for _, part_day in rows}


def contested(fresh: Sequence[int], runs: Sequence[Path]) -> Sequence[int]:
    """Entries whose key another entry shares, of `fresh` and of the runs it meets; each once, sorted."""
    met: set[int] = set()
    for one, other in pairwise(fresh):
        if one ^ other <= PART_MASK:
            met.update((one, other))
    for path in runs:
        run = _opened(path)
        for entry in fresh:
            start = bisect_left(run, entry & ~PART_MASK)
            end = bisect_right(run, entry | PART_MASK, lo=start)
            if end > start:
                met.add(entry)
                met.update(run[start:end])
    return sorted(met)


def keys_and_parts(entries: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Which keys, and which parts' numbers, `entries` are of; each once."""
    return sorted({entry >> PART_BITS for entry in entries}), sorted({entry & PART_MASK for entry in entries})


def tabled(connection: duckdb.DuckDBPyConnection, name: str, numbers: Collection[int]) -> None:
    """A temporary table of one column, `number`."""
    values = ", ".join(f"({number})" for number in numbers)
    connection.execute(f"create or replace temp table {name} (number ubigint)")
    connection.execute(f"insert into {name} values {values}")


def joined(fresh: Sequence[int], runs: Sequence[Path]) -> Sequence[int]:
    """`fresh` and the entries of the runs, sorted."""
    return array("Q", heapq.merge(fresh, *(_opened(path) for path in runs)))


def written(entries: Sequence[int]) -> bytes:
    """The entries as a run's file holds them."""
    return array("Q", entries).tobytes()


def _opened(path: Path) -> memoryview[int]:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("Q")
