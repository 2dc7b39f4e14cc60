"""What a refused file says: which file, which field or row, why, and what to do about it."""

from __future__ import annotations


class RefusedFile(Exception):
    """A landed file that cannot be taken in; everything else goes on.

    `reason` says what is wrong, `remedy` what to do; `field` and `row_number` where known.
    """

    def __init__(self, reason: str, remedy: str, *, field: str | None = None, row_number: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.field = field
        self.row_number = row_number


class StillBeingWritten(Exception):
    """A file whose name or manifest says that it is not complete yet; looked at again next time."""
