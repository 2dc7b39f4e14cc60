"""The one home of the clock: what time it is matters to publishing and closing, never to an amount."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """This instant, UTC."""
    return datetime.now(UTC)
