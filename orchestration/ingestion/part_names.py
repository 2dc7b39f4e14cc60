"""How a part of the raw store is named, and the SQL that reads a part's identity back out of its name.

What is the same for every row of a part (file hash, load batch, part number) stands in the name and
not in the rows: it costs no disk, and a filter on it prunes files before any footer is opened.
"""

from __future__ import annotations

import re

EMPTY_NAME = f"p{0:07d}_b{0:06d}_{0:064d}.parquet"
PART_NAME = re.compile(r"^p(\d{7})_b(\d{6})_([0-9a-f]{64})\.parquet$")

# Counted from the end: whatever folder the store lies in, the name has a fixed length. Expressions
# over `filename` alone are folded by DuckDB while it plans, once a file, never once a row.
SHA_SQL = "substr(filename, -72, 64)"
BATCH_SQL = "cast(substr(filename, -79, 6) as integer)"
NUMBER_SQL = "cast(substr(filename, -88, 7) as integer)"


def part_name(part_number: int, batch: int, sha256: str) -> str:
    """File name of a part; its length never changes (10 million parts, a million batches)."""
    return f"p{part_number:07d}_b{batch:06d}_{sha256}.parquet"
