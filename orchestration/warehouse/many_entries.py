"""Entries of the key index by the million, as numpy's arrays: sorted by two processors, searched without a loop.

Has the functions of few_entries.py, and reads and writes the same files.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from orchestration.warehouse.entry_form import KEY_MASK, PART_BITS, PART_MASK

Entries = npt.NDArray[np.uint64]
# So many at a time: what is made of them on the way stays near the processor, and is given back.
STRETCH = 1_000_000


def read(session: duckdb.DuckDBPyConnection, query: str, count: int) -> tuple[Entries, Collection[int]]:
    """The entries that `query` gives in its first column, sorted, and what its second has, each once.

    Room for `count` is made at once: joining them at the end would need as much again, and a third of the time.
    """
    entries = np.empty(count, dtype=np.uint64)
    filled = 0
    seconds: set[int] = set()
    for rows in session.execute(query).to_arrow_reader(STRETCH):
        given = rows.column(0).to_numpy()
        if filled + len(given) > len(entries):
            entries = np.concatenate([entries[:filled], given])
        entries[filled : filled + len(given)] = given
        filled += len(given)
        # Not numpy's, which sorts them: 13 ms a million instead of 2.
        seconds.update(rows.column(1).unique().to_pylist())
    entries = entries[:filled]
    # The lower half before the upper one, so that two processors sort where the entries lie.
    middle = filled // 2
    if filled:
        entries.partition(middle)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(np.ndarray.sort, (entries[:middle], entries[middle:])))
    return entries, seconds


def contested(fresh: Entries, runs: Sequence[Path]) -> Entries:
    """Entries whose key another entry shares, of `fresh` and of the runs it meets; each once, sorted."""
    found = [_neighbours(fresh)]
    for path in runs:
        found += _met(fresh, _opened(path))
    return np.unique(np.concatenate(found))


def _neighbours(entries: Entries) -> Entries:
    found = [np.empty(0, dtype=np.intp)]
    for start in range(0, len(entries) - 1, STRETCH):
        some = entries[start : start + STRETCH + 1]
        places = start + np.flatnonzero((some[1:] ^ some[:-1]) <= np.uint64(PART_MASK))
        found += [places, places + 1]
    return entries[np.unique(np.concatenate(found))]


def _met(fresh: Entries, run: Entries) -> list[Entries]:
    """Entries of both whose key occurs in both; each is sorted, so a look-up is a search."""
    keys = fresh & np.uint64(KEY_MASK)
    with ThreadPoolExecutor(2) as pool:
        first = np.concatenate(list(pool.map(partial(np.searchsorted, run), np.array_split(keys, 2))))
    # Most keys are new: where the next entry is another's, no second search is needed for how many there are.
    there = np.flatnonzero(first < len(run))
    hits = there[run[first[there]] & np.uint64(KEY_MASK) == keys[there]]
    first = first[hits]
    counts = np.searchsorted(run, keys[hits] | np.uint64(PART_MASK), side="right") - first
    # Every place of every range that begins at first, without a loop: a window pulled again meets itself whole.
    starts = np.repeat(first - (np.cumsum(counts) - counts), counts)
    return [fresh[hits], run[starts + np.arange(len(starts))]]


def keys_and_parts(entries: Entries) -> tuple[Entries, Entries]:
    """Which keys, and which parts' numbers, `entries` are of; each once."""
    return np.unique(entries >> np.uint64(PART_BITS)), np.unique(entries & np.uint64(PART_MASK))


def tabled(connection: duckdb.DuckDBPyConnection, name: str, numbers: Entries) -> None:
    """A temporary table of one column, `number`."""
    import pyarrow as pa

    connection.register("numbers_given", pa.table({"number": numbers}))
    connection.execute(f"create or replace temp table {name} as from numbers_given")
    connection.unregister("numbers_given")


def joined(fresh: Entries, runs: Sequence[Path]) -> Entries:
    """`fresh` and the entries of the runs, sorted."""
    together = np.concatenate([fresh, *(_opened(path) for path in runs)])
    # Runs are sorted: merging them is what a stable sort does.
    together.sort(kind="stable")
    return together


def written(entries: Entries) -> memoryview:
    """The entries as a run's file holds them."""
    return entries.data


def _opened(path: Path) -> Entries:
    return np.memmap(path, dtype=np.uint64, mode="r")
