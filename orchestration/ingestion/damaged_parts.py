"""Landed Parquet files that were linked on the word of their footer, and whose data cannot be read.

Asked when a build failed, and only then: reading every value of a file while it is taken in would cost more than
all else that is done with it.
"""

from __future__ import annotations

from orchestration import duck
from orchestration.errors import BuildFailed
from orchestration.ingestion.parquet_in_place import is_readable
from orchestration.settings import Settings
from orchestration.wording import some_of


def damaged_since(settings: Settings) -> BuildFailed | None:
    """The failure in words, where a file that no complete build has read yet is damaged; else None."""
    with duck.connect(settings.warehouse_path, settings) as connection:
        parts = connection.execute(
            "select p.source, p.layout, p.file_name, r.file_name from ops.parts as p "
            "inner join raw.receipts as r on p.part_number = r.part_number and r.status = 'accepted' "
            "where p.layout != '' and p.load_batch not in (select load_batch from ops.metered_batches) order by all"
        ).fetchall()
        found = [
            f"{source}/{landed}"
            for source, layout, name, landed in parts
            if not is_readable(connection, settings.raw_dir / source / layout / name)
        ]
    if not found:
        return None
    return BuildFailed(
        f"the data of {some_of(found, 5)} cannot be read, although the end of the file is intact: it was damaged "
        "before it was taken in",
        "The last release stays served. Have the file delivered again under another name and remove it from the "
        "landing folder; then move raw and warehouse.duckdb out of METERHOUSE_HOME and run again: everything in the "
        "landing folder is taken in again.",
    )
