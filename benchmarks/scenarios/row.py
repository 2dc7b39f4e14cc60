"""One row of the targets: what was measured against what, and whether the target is met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sizes:
    """How large the scenarios are; `closed_months` of the history are closed before the late file."""

    records: int = 1_000_000
    month_records: int = 500_000
    history_months: int = 24
    closed_months: int = 3
    files: int = 4_500


@dataclass(frozen=True)
class Row:
    """`met` is None if the row has no target or could not be measured."""

    name: str
    title: str
    beside: str
    ours: str
    figure: str
    target: str
    met: bool | None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
