"""ISO 8601 instants are read one by one as the standard library reads them, however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations, product

import duckdb

from orchestration.ingestion.row_typing import typed
from orchestration.ingestion.sources import Field

USUAL = "2024-02-29T23:58:07Z"
SHAPE = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?: ?UTC|Z|([+-](?:[01]\d|2[0-3]))(?::?([0-5]\d))?)",
    re.ASCII,
)
# Digits, the marks themselves, and what readers of times are known to skip.
CHARACTERS = "0179-+:TZ .,/\tt"
PRINTABLE = "".join(map(chr, [*range(9, 14), *range(32, 127)]))


def expected(text: str) -> datetime | None:
    """The instant in UTC; None for what is none, or is none of the forms that say in which zone it is."""
    text = text.strip(" ")
    found = SHAPE.fullmatch(text)
    if found is None:
        return None
    day, time, fraction, hours, minutes = found.groups()
    # Midnight at the end of a day, as ISO 8601 has it.
    ends_day = time == "24:00:00" and not int(fraction or 0)
    try:
        micros = (fraction or "")[:6].ljust(6, "0")
        instant = datetime.fromisoformat(f"{day}T{'00:00:00' if ends_day else time}.{micros}")
        instant += timedelta(days=int(ends_day))
        if hours is not None:
            away = timedelta(hours=abs(int(hours)), minutes=int(minutes or 0))
            instant = instant + away if hours.startswith("-") else instant - away
    except (ValueError, OverflowError):
        return None
    return instant


def changed_in_two_places(text: str) -> Iterator[str]:
    for first, second in combinations(range(len(text)), 2):
        # Two of one number may be anything at all.
        in_one_number = not set(text[first : second + 1]) & set("-T:Z")
        for one, other in product(PRINTABLE if in_one_number else CHARACTERS, repeat=2):
            yield text[:first] + one + text[first + 1 : second] + other + text[second + 1 :]


def read(texts: list[str]) -> list[datetime | None]:
    field = Field("sent_at", "iso_instant")
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create table sent (place integer, sent_at varchar)")
        connection.execute(
            "insert into sent select generate_subscripts(t, 1), unnest(t) from (select $texts::varchar[] as t)",
            {"texts": texts},
        )
        rows = connection.execute(f"select {typed(field, 'sent_at', 'VARCHAR')} from sent order by place").fetchall()
    return [instant for (instant,) in rows]


def test_no_two_characters_make_what_is_no_instant_one() -> None:
    texts = sorted(set(changed_in_two_places(USUAL)))
    found = dict(zip(texts, read(texts), strict=True))
    wrong = {text: instant for text, instant in found.items() if instant != expected(text)}
    assert not wrong
    assert found[USUAL] == datetime(2024, 2, 29, 23, 58, 7, tzinfo=UTC).replace(tzinfo=None)
    assert sum(instant is not None for instant in found.values()) > 500
    assert sum(instant is None for instant in found.values()) > 5_000


def test_other_forms_are_read_as_before() -> None:
    texts = {
        "2024-11-30 23:30:00-05:00": datetime(2024, 12, 1, 4, 30, tzinfo=UTC),
        "2024-12-01T00:30:00.25+0100": datetime(2024, 11, 30, 23, 30, 0, 250_000, tzinfo=UTC),
        "2024-11-30 23:59:59.999999 UTC": datetime(2024, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC),
        " 2024-11-30T24:00:00Z ": datetime(2024, 12, 1, tzinfo=UTC),
        "2024-11-30T23:59:59+23:59": datetime(2024, 11, 30, 0, 0, 59, tzinfo=UTC),
        # As pandas and Go write them, and PostgreSQL: all were held back.
        "2024-11-30T23:59:59.999999999Z": datetime(2024, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC),
        "2024-11-30T23:59:59.1234567-00:30": datetime(2024, 12, 1, 0, 29, 59, 123_456, tzinfo=UTC),
        "2024-11-30 23:59:59+00": datetime(2024, 11, 30, 23, 59, 59, tzinfo=UTC),
        "2024-11-30 23:59:59.5-01": datetime(2024, 12, 1, 0, 59, 59, 500_000, tzinfo=UTC),
        "2024-11-30T23:59:59.1234567890Z": None,
        "2024-11-30T23:59:59+1": None,
        "2024-11-30T23:59:59+24": None,
        "2024-11-30T23:59:59+24:00": None,
        "2024-11-30T23:59:59-25:00": None,
        "2024-11-30T23:59:59+01:60": None,
        "2024-11-30T23:59:59": None,
        "2024-11-31T00:00:00Z": None,
        "\t2024-11-3T00:00:00Z": None,
        " 2024-11-3T00:00:00Z": None,
        "-024-11-30T00:00:00Z": None,
    }
    wanted = [None if instant is None else instant.replace(tzinfo=None) for instant in texts.values()]
    assert read(list(texts)) == wanted
