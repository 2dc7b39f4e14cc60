"""Calendar arithmetic of the rules: months, clamped month addition, and the notice of a price (PRC-01..04)."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta

DAY = timedelta(days=1)


def month_of(instant: datetime | date) -> date:
    """First day of the UTC month an instant (naive UTC) falls in (GEN-01)."""
    return date(instant.year, instant.month, 1)


def following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def plus_months(day: date, months: int) -> date:
    """PRC-06: `day` + n months, clamped to the month's last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def start_after_notice(rule: str, published: date, named: date | None) -> date:
    """The day an update published on `published` starts, by its notice rule."""
    if rule == "next_full_month_after_30_days":
        return following(month_of(published + 30 * DAY))
    if rule == "next_month":
        start = following(month_of(published))
        return max(start, named) if named else start
    return published  # at_renewal and then_current: in force once published


def overlaps(start: datetime, end: datetime | None, month: date) -> bool:
    return start < midnight(following(month)) and (end is None or end > midnight(month))


def holds_at(start: datetime, end: datetime | None, instant: datetime) -> bool:
    """Half-open: [start, end)."""
    return start <= instant and (end is None or instant < end)


def last_instant(month: date) -> datetime:
    return midnight(following(month)) - timedelta(microseconds=1)
