"""What the build file holds for good, told by its first bytes: where the engine says which of its blocks count.

The engine writes into blocks that do not count yet, and makes them count by writing one of the two headers anew, with
a greater number, once all else is on the disk (a checkpoint). Whoever dies before that leaves the headers, and with
them all that the file holds, as they were, however much the file has grown.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import duckdb

from orchestration import duck
from orchestration.settings import Settings

# The engine's own, and two that take turns.
HEADER_BYTES = 3 * 4096
NO_FILE = "none"


def durable_state(path: Path) -> str | None:
    """Changes with every checkpoint of the DuckDB file at `path`, and with another file in its place, such as a former
    copy; `none` where there is no file.

    None where that says nothing: a log lies beside it, which the next to open it reads into it.
    """
    if _log(path).exists():
        return None
    try:
        inode = path.stat().st_ino
    except FileNotFoundError:
        return NO_FILE
    # By another process: whoever closes a file lets go of all locks his process has on it, the engine's among them.
    try:
        found = subprocess.run(["head", "-c", str(HEADER_BYTES), str(path)], capture_output=True, check=False)
    except OSError:
        return None
    if found.returncode or len(found.stdout) != HEADER_BYTES:
        return None
    return f"{inode} {hashlib.sha256(found.stdout).hexdigest()}"


def read_in_log(settings: Settings) -> None:
    """Have the engine read in the log beside the build file, if there is one, or drop what was never committed.

    One that died in a checkpoint leaves a log that says no more than that; then the headers stay what they were. A log
    that cannot be read stays where it is. Raises FileInUse where another process has the file open.
    """
    if _log(settings.warehouse_path).exists():
        try:
            duck.connect(settings.warehouse_path, settings).close()
        except duck.FileInUse:
            raise
        except duckdb.Error:
            return


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
