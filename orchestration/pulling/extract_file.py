"""A pulled extract as a file of the landing: whole or not there, named by what is in it."""

from __future__ import annotations

import gzip
import hashlib
import os
from contextlib import ExitStack
from typing import BinaryIO

from orchestration.pulling.landing_place import LandingPlace

COMPRESSION = 3


class ExtractFile:
    """Takes records page by page; `land` makes them a file. Left without it, nothing was ever there."""

    def __init__(self, place: LandingPlace) -> None:
        self.place = place
        self.digest = hashlib.sha256()
        self.stored: BinaryIO | None = None
        self.packed: gzip.GzipFile | None = None

    def __enter__(self) -> ExtractFile:
        return self

    def __exit__(self, *_: object) -> None:
        # On a full disk closing fails too, as it writes what is buffered; the file goes all the same.
        with ExitStack() as ending:  # last first
            ending.callback(self.place.part.unlink, missing_ok=True)
            if self.stored is not None:
                ending.callback(self.stored.close)
            if self.packed is not None:
                ending.callback(self.packed.close)

    def write(self, lines: list[str]) -> None:
        """Append resources, one a line. The first makes the folder and the file."""
        if not lines:
            return
        if self.packed is None:
            self.place.part.parent.mkdir(parents=True, exist_ok=True)
            self.stored = self.place.part.open("wb")
            # No name and no time inside: equal records are equal bytes.
            self.packed = gzip.GzipFile("", "wb", COMPRESSION, self.stored, mtime=0)
        content = ("\n".join(lines) + "\n").encode("utf-8")
        self.digest.update(content)
        self.packed.write(content)

    def land(self) -> str | None:
        """Put the file under its name; returns that, or None where there is nothing to land or it has before."""
        if self.packed is None or self.stored is None:
            return None
        self.packed.close()
        self.stored.flush()
        os.fsync(self.stored.fileno())
        self.stored.close()
        name = f"pulled_{self.digest.hexdigest()[:32]}.ndjson.gz"
        return name if self.place.publish(name) else None
