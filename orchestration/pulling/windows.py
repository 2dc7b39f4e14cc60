"""Which days are pulled: from some days before where the last pull ended, in pieces that are kept one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from orchestration import clock
from orchestration.errors import MeterhouseError

# A long history is pulled in pieces of a month: each lands by itself, so a failure costs one piece.
PIECE_DAYS = 31
# No API is older. A day before it is a mistyped year, and would be pulled by the month from there on.
EARLIEST_DAY = date(2000, 1, 1)


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


def check_first_day(day: date, name: str, today: date) -> None:
    """Raises MeterhouseError where a pull cannot start on `day`, given as `name`.

    A day in the future would be noted as the first ever pulled, and no days before it would be asked for.
    """
    if day > today:
        raise MeterhouseError(f"{name} {day} is in the future", "Name a day that has begun.")
    if day < EARLIEST_DAY:
        raise MeterhouseError(f"{name} {day} is before {EARLIEST_DAY}", "Name a later day; check its year.")


def check_clock(covered: Iterable[Covered], now: datetime, name: str, remedy: str) -> None:
    """Raises MeterhouseError where pulls ended after `now`, or ended before they began.

    Then a clock was ahead, or is behind: a pull that went on from there would ask for no records, or too few.
    """
    for one in covered:
        if not one.since <= one.until <= now:
            raise MeterhouseError(
                f"{name}: the clock says {now:{clock.TOLD}}, but the state of its pulls says that they cover "
                f"{one.since:{clock.TOLD}} to {one.until:{clock.TOLD}}",
                f"If this machine's clock is wrong, correct it. If it is right now, it was wrong before. {remedy}",
            )


def first_day_of(
    covered: Covered | None, asked: date | None, repull_days: int, first_day: date | None, name: str
) -> date:
    """Where the pull of an account starts: as asked, else `repull_days` before the end of the last pull.

    `first_day` is for an account never pulled. Raises MeterhouseError where nothing says from when.
    """
    if asked is not None:
        return asked
    if covered is not None:
        # A day of the first century has none that many days before it.
        return max(covered.until.date(), EARLIEST_DAY) - timedelta(days=repull_days)
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
