"""Values of a seed's file that its columns cannot hold as they are written.

DuckDB rounds such a number while it loads it, without a word, so that nothing in the build file shows it:
no data test can. Knows numbers alone; what else does not fit a column's type the loading itself refuses.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from orchestration.warehouse.seed_header import SeedBroken
from orchestration.warehouse.utf8_text import SAVE_AS_UTF8, wrong_byte

_DECIMAL = re.compile(r"\s*(?:decimal|numeric)\s*\(\s*\d+\s*,\s*(\d+)\s*\)\s*", re.IGNORECASE)
_WHOLE = re.compile(r"\s*(?:tinyint|smallint|integer|int|bigint|hugeint)\s*", re.IGNORECASE)


def rounded_numbers(path: Path, name: str, kinds: Mapping[str, str]) -> list[str]:
    """What loading would round, each as a sentence naming file, line, row and column, with what to do.

    `kinds` are the types of the columns; `name` is how to call the file at `path`. Raises SeedBroken where that is
    not UTF-8 text of comma-separated values.
    """
    places = {column: found for column, kind in kinds.items() if (found := _decimals(kind)) is not None}
    if wrong := wrong_byte(path, name):
        raise SeedBroken(f"{wrong}. {SAVE_AS_UTF8}")
    told = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        try:
            first = (reader.fieldnames or [""])[0]
            for row in reader:
                for column, kept in places.items():
                    text = row.get(column) or ""
                    if _decimals_written(text) > kept:
                        told.append(
                            f"{name}, line {reader.line_num} ({row.get(first)}), column {column}: {text} would be "
                            f"rounded, because {_held(kept)}. Write a value that fits."
                        )
        except csv.Error as error:
            raise SeedBroken(
                f"{name}, line {reader.line_num + 1}: {error}. Correct the row, then run again."
            ) from error
    return told


def _decimals(kind: str) -> int | None:
    """How many decimals a column of this type holds; None where it is not one of exact numbers."""
    if found := _DECIMAL.fullmatch(kind):
        return int(found[1])
    return 0 if _WHOLE.fullmatch(kind) else None


def _decimals_written(text: str) -> int:
    """How many decimals the number has, zeros at its end left out; 0 for what is no number."""
    try:
        exponent = Decimal(text.strip()).normalize().as_tuple().exponent
    except InvalidOperation:
        return 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _held(decimals: int) -> str:
    return f"the column holds {decimals} decimals" if decimals else "the column holds whole numbers"
