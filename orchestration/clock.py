"""The one home of the clock: what time it is matters to publishing and closing, never to an amount."""

from __future__ import annotations

from datetime import UTC, datetime

# How people are told when something was done.
TOLD = "%Y-%m-%d %H:%M:%S UTC"


def utc_now() -> datetime:
    """This instant, UTC."""
    return datetime.now(UTC)


def recorded(instant: datetime) -> str:
    """An instant (UTC) as records of what was done say it: equal in length, so that text compares as time does."""
    # Not by strftime, which writes the year 300 in three digits.
    return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
