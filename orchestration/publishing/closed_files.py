"""The ledger's files of records as DuckDB may see them: under addresses of their own, and for reading alone.

A folder DuckDB is allowed to read it is allowed to write, too, and more than COPY writes: a function called in
a SELECT can turn a log file on. Behind these addresses there is nothing that could write.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from fsspec import AbstractFileSystem

PROTOCOL = "closed"


class ClosedFiles(AbstractFileSystem):
    """`files`, by name, as closed://name. No other file is there, and none is opened but to be read."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__()
        self._files = dict(files)

    def addresses(self) -> list[str]:
        """The address of every file, in name order."""
        return [f"{PROTOCOL}://{name}" for name in sorted(self._files)]

    def _file(self, address: str) -> Path:
        name = str(self._strip_protocol(address))
        if name not in self._files:
            raise FileNotFoundError(f"{address} is not a file of closed records")
        return self._files[name]

    def _open(self, path: str, mode: str = "rb", **_: Any) -> BinaryIO:
        if mode != "rb":
            raise PermissionError(f"{path} can only be read")
        return self._file(path).open("rb")

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size and kind of a file, as fsspec asks for it."""
        return {"name": path, "size": self._file(path).stat().st_size, "type": "file"}

    def glob(self, path: str, **_: Any) -> list[str]:
        """The file itself: names hold no wildcards."""
        return [path] if str(self._strip_protocol(path)) in self._files else []

    def modified(self, path: str) -> datetime:
        """When the file was last written."""
        return datetime.fromtimestamp(self._file(path).stat().st_mtime, UTC)
