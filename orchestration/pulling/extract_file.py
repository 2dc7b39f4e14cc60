"""A pulled extract as a file of the landing folder: whole or not there, named by what is in it."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

# Hidden, so the ingestion does not look at it; one a source, as only one process pulls a source.
PART_NAME = ".pulled.ndjson.gz.part"
COMPRESSION = 3


class ExtractFile:
    """Takes records one by one; `land` makes them a file. Left without it, nothing was ever there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.part = folder / PART_NAME
        self.digest = hashlib.sha256()
        self.stored: BinaryIO | None = None
        self.packed: gzip.GzipFile | None = None

    def __enter__(self) -> ExtractFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self.part.unlink(missing_ok=True)

    def write(self, lines: list[str]) -> None:
        """Append resources, one a line. The first makes the folder and the file."""
        if not lines:
            return
        if self.packed is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.stored = self.part.open("wb")
            # No name and no time inside: equal records are equal bytes.
            self.packed = gzip.GzipFile("", "wb", COMPRESSION, self.stored, mtime=0)
        content = ("\n".join(lines) + "\n").encode("utf-8")
        self.digest.update(content)
        self.packed.write(content)

    def land(self) -> Path | None:
        """The file under its name, on the disk; None where there is nothing to land."""
        if self.packed is None or self.stored is None:
            return None
        self.packed.close()
        self.stored.flush()
        os.fsync(self.stored.fileno())
        self.stored.close()
        target = self.folder / f"pulled_{self.digest.hexdigest()[:32]}.ndjson.gz"
        if target.exists():  # it has landed before: touching it would have it looked at again
            return None
        self.part.rename(target)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return target

    def _close(self) -> None:
        if self.packed is not None and self.stored is not None:
            self.packed.close()
            self.stored.close()
