"""Which days are pulled: from some days before where the last pull ended, in pieces that are kept one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from orchestration.errors import MeterhouseError

# A long history is pulled in pieces of a month: each lands by itself, so a failure costs one piece.
PIECE_DAYS = 31


@dataclass(frozen=True)
class Window:
    """Days (UTC) from `first_day` up to, not including, `end_day`; None is open, up to now."""

    first_day: date
    end_day: date | None


@dataclass(frozen=True)
class Covered:
    """What of an account has been pulled: everything between two instants (UTC)."""

    since: datetime
    until: datetime


def first_day_of(
    covered: Covered | None, asked: date | None, repull_days: int, first_day: date | None, name: str
) -> date:
    """Where the pull of an account starts: as asked, else `repull_days` before the end of the last pull.

    `first_day` is for an account never pulled. Raises MeterhouseError where nothing says from when.
    """
    if asked is not None:
        return asked
    if covered is not None:
        return covered.until.date() - timedelta(days=repull_days)
    if first_day is not None:
        return first_day
    raise MeterhouseError(
        f"no pull of {name} has ended well yet, and no first day is set",
        "Give it: meterhouse pull --since 2024-11-01, or set METERHOUSE_PULL_SINCE.",
    )


def pieces(first_day: date, end_day: date | None, today: date) -> Iterator[Window]:
    """The window in pieces of PIECE_DAYS, oldest first; the last is open where `end_day` is not yet past."""
    is_open = end_day is None or end_day > today
    last = today if is_open or end_day is None else end_day
    begin = first_day
    while begin + timedelta(days=PIECE_DAYS) < last:
        yield Window(begin, begin + timedelta(days=PIECE_DAYS))
        begin += timedelta(days=PIECE_DAYS)
    yield Window(begin, None if is_open else last)


def extended(covered: Covered | None, begin: datetime, end: datetime) -> Covered:
    """What is covered after a window was pulled. A gap is never covered: what lies past one stays unnoted."""
    if covered is None:
        return Covered(begin, end)
    if begin > covered.until:
        return covered
    since = min(covered.since, begin) if end >= covered.since else covered.since
    return Covered(since, max(covered.until, end))
