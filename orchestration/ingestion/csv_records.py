"""A CSV file's records one by one, where a quote that is out of place costs the line it stands in and no other.

For files with a row that is not what the header promises; the others are read by DuckDB. Values stay
texts, and what they mean is judged later, by row_typing.py.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from orchestration.ingestion.json_records import Record
from orchestration.ingestion.sources import SourceSpec

# A record that is longer than this, in characters, began with a quote that nobody closed.
LONGEST_RECORD = 1024 * 1024
# As long as a line may be for DuckDB. Python's own limit is 131,072: a good row with a longer text was held back where
# another row of its file was bad.
csv.field_size_limit(16 * 1024 * 1024)
# How a value of a kind begins: tells a whole row from a line of some longer text. Loosely, for what the values
# are worth is judged later.
_SHAPES = {
    kind: re.compile(shape)
    for kind, shape in {
        "int": r"\d+$",
        "decimal": r"-?\d+(\.\d+)?$",
        "bool": r"(?i:true|false|[01tf])$",
        "date": r"\d{4}-\d\d-\d\d$",
        "rfc_instant": r"\d{4}-\d\d-\d\d|[A-Z][a-z]{2}\b",
        "iso_instant": r"\d{4}-\d\d-\d\d",
        "unix_instant": r"\d+$",
    }.items()
}


class _Unclosed(Exception):
    """The record asks for one more line, and is not worth it: its quote is not closed, or much too late."""


class _Lines:
    """The file's physical lines, as the csv module asks for them; those a record took may be put back.

    No line is read more than three times, however many quotes are out of place. A damaged record puts all but
    its first line back; one of those that leaves a quote open in its turn is not followed again. From its end
    on it would meet what the first one met, for both stand inside a value there. A line whose quotes are in order
    is never taken for one of these: the quote that opens its value would have closed that of the first.
    """

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self._waiting: deque[str] = deque()
        self._next = self._first = self._followed_to = 0
        self._length = 0
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.taken and self._first < self._followed_to:
            raise _Unclosed("the same is true of a line above")
        if self._length > LONGEST_RECORD:
            raise _Unclosed(f"it is still open after {self._length} characters")
        line = self._waiting.popleft() if self._waiting else next(self._text)
        self.taken.append(line)
        self._next += 1
        self._length += len(line)
        return line

    def begin(self) -> None:
        """The next line is the first of a record."""
        self.taken = []
        self._first = self._next
        self._length = 0

    def put_back(self) -> None:
        """All lines of the record but the first are to be read on their own."""
        if len(self.taken) > 1:
            self._followed_to = self._next - 1
            self._waiting.extendleft(reversed(self.taken[1:]))
            self._next = self._first + 1


class _Rows:
    """What a row under a header looks like: how many values it has, and which of them are times or numbers."""

    def __init__(self, spec: SourceSpec, header: list[str], matched: dict[str, str]) -> None:
        kinds = {field.name: field.kind for field in spec.fields}
        self.width = len(header)
        self._shaped = [
            (position, _SHAPES[kinds[matched[name]]])
            for position, name in enumerate(header)
            if name in matched and kinds[matched[name]] in _SHAPES
        ]

    def fault(self, values: list[str], taken: list[str]) -> str:
        """What is wrong with a record that was made of the lines `taken`; empty where nothing is."""
        if len(values) != self.width:
            return f"row has {len(values)} values, but the header has {self.width} columns"
        if len(taken) == 1:
            return ""
        # Two stray quotes may close one another and leave the right number of values: what is between is lost.
        if any("\n" in values[position] or "\r" in values[position] for position, _ in self._shaped):
            return "a time or number would have a line break"
        if any(map(self._is_row, taken[1:-1])) or (self._is_row(taken[0]) and self._is_row(taken[-1])):
            return "whole rows would be part of one value"
        return ""

    def _is_row(self, line: str) -> bool:
        """Whether the line for itself, as it is or without its quotes, is a row with its times and numbers in place."""
        readings = [line.replace('"', "").split(",")]
        with suppress(csv.Error):
            readings += values_of([line])
        return any(self._has_shape(values) for values in readings)

    def _has_shape(self, values: list[str]) -> bool:
        if len(values) != self.width:
            return False
        found = [(values[position].strip(), shape) for position, shape in self._shaped]
        return any(value for value, _ in found) and all(shape.match(value) for value, shape in found if value)


def values_of(lines: Iterable[str]) -> Iterator[list[str]]:
    """The values of each row; blanks before a quote are none of a value's. Raises csv.Error."""
    return csv.reader(lines, strict=True, skipinitialspace=True)


def read_csv(
    spec: SourceSpec, path: Path, header: list[str], matched: dict[str, str]
) -> Iterator[tuple[Record | None, str, str]]:
    """Records below the header of a UTF-8 file as (record or None, what is wrong, text of the bad line).

    `matched` maps columns of `header` to the source's. Blank lines are no records. Values may span lines (RFC
    4180); where a record that does so is none, its first line alone is bad and the next is read on its own.
    So every line that is not blank is a record, a bad one, or a later line of a record that spans lines.
    """
    rows = _Rows(spec, header, matched)
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines = _Lines(text)
        records = values_of(lines)
        next(records)
        while True:
            lines.begin()
            try:
                values = next(records)
            except StopIteration:
                return
            except _Unclosed as unclosed:
                fault, is_open = str(unclosed), True
            except csv.Error as error:
                # At the end of the file the csv module asks for no further line.
                fault, is_open = f"not CSV: {error}", len(lines.taken) > 1 or "end of data" in str(error)
            else:
                if not values:
                    continue
                fault, is_open = rows.fault(values, lines.taken), len(lines.taken) > 1
            if fault:
                reason = f"line opens a quote that no later line closes properly: {fault}" if is_open else fault
                lines.put_back()
                yield None, reason, lines.taken[0].rstrip("\r\n")
                continue
            named = dict(zip(header, values, strict=True))
            yield {target: named[found] for found, target in matched.items()}, "", ""
