"""How a row that fails a check is shown: by its keys alone, never by what it says of a person.

Owns which columns identify a row and how they are written; finding the rows is the checks' work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

SHOWN = 10
# What dbt's own tests of one column call its value in the rows they find.
VALUE_FIELDS = ("unique_field", "value_field", "from_field")
# A relation's grain may hold them; whom they belong to is nobody's business in a report.
_PERSONAL = re.compile(r"name|address|mail|contact|body|text|digits|^(recipient|user|customer)_id$")
_IDENTIFYING = re.compile(r"(_id|_key|_month|_number|_on|_from|_batch)$|^(meter|source|market|currency_code|category)$")
_PHONE_NUMBER = re.compile(r"(?<!\w)\+?\d{7,15}(?!\w)")
_VALUE_LENGTH = 120


def key_columns(columns: Sequence[str], grain: Iterable[str]) -> list[str]:
    """Of a result's `columns` those that tell which row it is: the grain's, or else those that name something."""
    allowed = [name for name in columns if not _PERSONAL.search(name)]
    wanted = {*grain, *VALUE_FIELDS}
    return [name for name in allowed if name in wanted] or [name for name in allowed if _IDENTIFYING.search(name)][:5]


def key_text(columns: Sequence[str], row: Sequence[Any]) -> str:
    """`line_id=tnt_0002/2024-11, meter=sms_segment`; a phone number keeps its last four digits."""
    return ", ".join(f"{name}={_shown(name, value)}" for name, value in zip(columns, row, strict=True))


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "not set"
    text = str(value)[:_VALUE_LENGTH]
    # A key made of several values may hold one.
    if "phone" in name or name == "record_key" or "+" in text:
        return _PHONE_NUMBER.sub(lambda found: f"…{found.group()[-4:]}", text)
    return text
