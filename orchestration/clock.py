"""The one home of the clock: what time it is matters to publishing and closing, never to an amount."""

from __future__ import annotations

from datetime import UTC, datetime

# How records of what was done say when: equal in length, so that text compares as time does.
RECORDED = "%Y-%m-%dT%H:%M:%S.%fZ"
# And how people are told of it.
TOLD = "%Y-%m-%d %H:%M:%S UTC"


def utc_now() -> datetime:
    """This instant, UTC."""
    return datetime.now(UTC)
