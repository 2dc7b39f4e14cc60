"""Parquet files whose footer is whole and whose data are not."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq


def damage(path: Path, column: str) -> None:
    """Write over the column's first page."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    (chunk,) = [group.column(n) for n in range(group.num_columns) if group.column(n).path_in_schema == column]
    content = bytearray(path.read_bytes())
    for place in range(chunk.data_page_offset, chunk.data_page_offset + 200):
        content[place] ^= 0x5A
    path.write_bytes(content)
