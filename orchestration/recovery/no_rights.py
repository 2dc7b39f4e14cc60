"""A file or folder this account may not read or write, said in plain words: which, and who was refused."""

from __future__ import annotations

import os
import re

from orchestration.errors import MeterhouseError

# As DuckDB says it.
_REFUSED = re.compile(r'Cannot open file "(?P<place>[^"]+)": Permission denied')


class NoRights(MeterhouseError):
    """The run stops: no month is billed on the files that happened to be readable."""


def refused(error: BaseException) -> NoRights | None:
    """The error as one of missing rights, with what to do; None where it is of something else."""
    seen: BaseException | None = error
    while seen is not None:
        said = _REFUSED.search(str(seen))
        place = said["place"] if said else getattr(seen, "filename", None)
        if said or (isinstance(seen, PermissionError) and place):
            return NoRights(
                f"{place} may not be read or written by this account (user id {os.geteuid()})",
                "Give this account access to it, or run this as the account it belongs to (docs/deploy.md).",
            )
        seen = seen.__cause__ or seen.__context__
    return None
