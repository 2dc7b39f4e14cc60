"""A full or read-only disk said in plain words, whichever library stumbled over it."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

from orchestration.errors import MeterhouseError
from orchestration.settings import Settings

# As SQLite says it, which keeps Dagster's history, through whatever wraps it.
_OF_DAGSTER = ("database or disk is full", "disk I/O error", "attempt to write a readonly database")
# As DuckDB says it.
_OF_STATE = ("No space left on device", "failed to offload data block")
_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class DiskFull(MeterhouseError):
    """Nothing more can be written where it must be. What is served is not touched."""


def explained(error: BaseException, settings: Settings) -> DiskFull | None:
    """The error as one of a disk, with what to do; None where it is of something else."""
    seen: BaseException | None = error
    while seen is not None:
        text = str(seen)
        if any(words in text for words in _OF_DAGSTER):
            return _full(
                f"Dagster's home {settings.dagster_home} cannot be written: its disk is full or read-only",
                "Free space there (it holds only the run history), then run again. Where the UI has no history, "
                "`meterhouse run` needs no space there.",
            )
        if any(words in text for words in _OF_STATE) or (isinstance(seen, OSError) and seen.errno in _NUMBERS):
            place = getattr(seen, "filename", None)
            if place is None and _output_is_full():
                return DiskFull(
                    "what this command prints could not be written: the disk of the file it goes to is full",
                    "Free space there, or send the output elsewhere, then run again.",
                )
            place = place or settings.home
            return _full(f"{place} cannot be written: its disk is full or read-only", "Free space, then run again.")
        seen = seen.__cause__ or seen.__context__
    return None


def _output_is_full() -> bool:
    """Whether the output is what takes no more. An error of writing does not say of which file it is: a line end more
    is refused by that one again.
    """
    try:
        print(flush=True)
    except OSError as refused:
        # What is left of it would be an error a third time, when the process ends.
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        return refused.errno in _NUMBERS
    return False


def _full(what: str, remedy: str) -> DiskFull:
    return DiskFull(what, f"{remedy} Unfinished work is not served: the last release stays.")
