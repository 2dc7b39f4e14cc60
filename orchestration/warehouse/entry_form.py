"""What an entry of the key index is: the upper 44 bits of the hash of a record's key, then 20 of its part's number.

A run's file is such entries, sorted, 8 bytes each and nothing else.
"""

PART_BITS = 20
PART_MASK = (1 << PART_BITS) - 1
KEY_MASK = ((1 << 64) - 1) ^ PART_MASK
ENTRY_BYTES = 8


def entry_sql(record_key: str, part_number: str) -> str:
    """SQL for the entry of a row."""
    return f"(hash({record_key}) & {KEY_MASK}::ubigint) | ({part_number} & {PART_MASK})::ubigint"
