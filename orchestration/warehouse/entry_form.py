"""What an entry of the key index is: the upper 52 bits of the hash of a record's key, then 12 of its part's number.

A run's file is such entries, sorted, 8 bytes each and nothing else.
"""

from __future__ import annotations

from datetime import date, timedelta

# For two records that share a hash their parts are read again. Of three million new rows ten share 44 bits of it with
# one of 66 million known, and 52 bits one in twenty times. Parts that share the bits of their number are all read.
PART_BITS = 12
PART_MASK = (1 << PART_BITS) - 1
KEY_MASK = ((1 << 64) - 1) ^ PART_MASK
ENTRY_BYTES = 8


# Records without an instant are filed under this day's month.
NO_DAY = "1970-01-01"


def entry_sql(record_key: str, part_number: str) -> str:
    """SQL for the entry of a row."""
    return f"(hash({record_key}) & {KEY_MASK}::ubigint) | ({part_number} & {PART_MASK})::ubigint"


def part_day_sql(occurred_at: str, part_number: str) -> str:
    """SQL for a row's part and day in one number: the part's number, then 32 bits of days since 1970 (UTC)."""
    day = f"coalesce(cast({occurred_at} as date), date '{NO_DAY}') - date '1970-01-01'"
    return f"({part_number}::bigint << 32) | (({day}) & 4294967295)"


def part_month(part_day: int) -> tuple[int, str]:
    """The part's number, and the first day of the month, of a number made by `part_day_sql`."""
    day = part_day & 0xFFFFFFFF
    instant = date(1970, 1, 1) + timedelta(days=day - (1 << 32) if day >= 1 << 31 else day)
    return part_day >> 32, instant.replace(day=1).isoformat()
