"""What is printed, where the output cannot hold all of it."""

from __future__ import annotations

import io
import sys


def escape_what_has_no_code() -> None:
    """From here on a character that the output's encoding lacks is printed as its escape, and ends no command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
