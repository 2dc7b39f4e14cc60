"""How work says what it is doing: in a few words, to whoever shows them (a terminal's line, Dagster's log)."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
