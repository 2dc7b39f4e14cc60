"""A database of ours that cannot be read any more, in plain words: which one, and what makes it again."""

from __future__ import annotations

from pathlib import Path

from orchestration.errors import MeterhouseError

PUBLISH_AGAIN = "Remove published/current and run `meterhouse run`: it publishes the candidate again."
# As DuckDB says it: cut off, another kind of file, bytes that are not those written, gone, or of a newer engine.
_OF_DAMAGE = (
    "Could not read enough bytes",
    "is not a valid DuckDB database file",
    "Corrupt database file",
    "database does not exist",
    "Trying to read a database file with version number",
)


class FileDamaged(MeterhouseError):
    """A release, its record in the history or the build file is not what was written. Exit code 6."""

    exit_code = 6


def damaged(error: BaseException, path: Path | str | None = None) -> FileDamaged | None:
    """The engine's error as one of a damaged file; None where it is of something else.

    Found while a query runs it names no file: then `path` is None, and the remedy tells the two apart.
    """
    told = " ".join(str(error).split())
    if not any(words in told for words in _OF_DAMAGE):
        return None
    if path is None:
        return FileDamaged(
            f"a database file cannot be read: {told}",
            "If `meterhouse verify-ledger` finds the release intact, it is the build file: remove warehouse.duckdb "
            "from the state folder and run `meterhouse run`, which rebuilds it from what was taken in.",
        )
    if Path(path).name == "warehouse.duckdb":
        remedy = f"Remove {path} and run `meterhouse run`: it rebuilds the file from what was taken in."
    else:
        remedy = PUBLISH_AGAIN
    return FileDamaged(f"{path} cannot be read: {told}", remedy)
