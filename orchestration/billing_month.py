"""A billing month as people write it."""

from __future__ import annotations

import re
from datetime import date, timedelta

from orchestration.errors import MeterhouseError

_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def parse_month(text: str) -> date:
    """`2024-11` as its first day. Raises MeterhouseError for anything else."""
    if not re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])", text):
        raise MeterhouseError(f"{text!r} is not a month", "Write it as 2024-11.")
    return date.fromisoformat(f"{text}-01")


def month_name(month: date) -> str:
    """`November 2024`, whatever the machine's language: strftime would ask its locale."""
    return f"{_NAMES[month.month - 1]} {month.year}"


def next_month(month: date) -> date:
    """First day of the month after `month`."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
