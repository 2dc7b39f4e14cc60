"""Values as literals of a statement, for what takes no parameters: views, copies, lists of files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def sql_values(*values: str | int | None) -> str:
    """A parenthesised row of SQL literals. Binding parameters instead makes the driver import pandas: 1.3 s."""
    return "(" + ", ".join("null" if v is None else sql_text(v) if isinstance(v, str) else str(v) for v in values) + ")"


def sql_text(value: str) -> str:
    """`value` as a quoted SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_list(paths: Iterable[Path]) -> str:
    """Paths as a quoted SQL list, for a reader of several files."""
    return "[" + ", ".join(sql_text(str(path)) for path in paths) + "]"
