"""A CSV file of postings with one thing in it spoiled, for the check that has to notice."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

Rows = list[dict[str, str]]


def read_rows(path: Path) -> Rows:
    """The rows of the file, by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def spoil(path: Path, fault: Callable[[Rows], None]) -> None:
    """Write the file again as `fault` leaves its rows."""
    rows = read_rows(path)
    fault(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
