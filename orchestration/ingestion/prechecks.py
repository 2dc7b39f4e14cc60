"""Checks on a landed file as bytes, before anything parses it: name, kind, size, gzip, encoding, manifest.

Reads each file once, in pieces, and leaves a plain (decompressed) copy only where it was
compressed. A Parquet file is linked first, so that what is checked is what is later read and kept,
whatever happens to its name meanwhile. What the bytes mean is not judged here.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import re
import shutil
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.durable import sync
from orchestration.ingestion.refusal import RefusedFile, StillBeingWritten
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings

NAME_ALLOWED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$")
FORMATS = (".ndjson", ".json", ".csv", ".parquet")
PIECE = 4 * 1024 * 1024


@dataclass(frozen=True)
class CheckedFile:
    """A file that passed: `plain_path` holds its uncompressed bytes, `sha256` is its content_sha256.

    `plain_path` is the landed file itself, or a staged one that whoever reads it removes. `is_strict` is
    false for JSON that a forgiving reader takes and a strict one does not. `rows_by_lines` is how many rows a CSV
    with quotes has if none of them spans lines, -1 where its lines end in several ways; None where none can. `commas`
    is how many a CSV has, `hashed_signature` size and time of what is read when it was hashed, None for a copy of ours.
    """

    path: Path
    plain_path: Path
    form: str
    sha256: str
    stored_bytes: int
    manifest: dict[str, Any]
    hashed_signature: tuple[int, int] | None = None
    is_strict: bool = True
    rows_by_lines: int | None = None
    commas: int = 0


def staging_dir(settings: Settings) -> Path:
    """Where plain copies, links and text tables of files being taken in lie; emptied around every ingest."""
    return settings.tmp_dir / "ingest"


def _staged(path: Path, settings: Settings) -> Path:
    name_hash = hashlib.sha256(str(path).encode()).hexdigest()[:32]
    return staging_dir(settings) / f"plain_{name_hash}"


def _stage_link(path: Path, settings: Settings) -> Path:
    staged = _staged(path, settings)
    try:
        os.link(path, staged, follow_symlinks=False)
    except OSError:  # another file system, or one without links: the bytes are ours then
        shutil.copyfile(path, staged, follow_symlinks=False)
    return staged


def unchanged_since(checked: CheckedFile) -> bool:
    """Whether the file read still is what was hashed: a producer may write on while we read."""
    if checked.hashed_signature is None:
        return True
    try:
        return _looks(checked.plain_path) == checked.hashed_signature
    except FileNotFoundError:
        # Our own link is a part by now. A landed file that went away may have been written to before.
        return checked.plain_path != checked.path


def _looks(path: Path) -> tuple[int, int]:
    info = path.stat()
    return info.st_size, info.st_mtime_ns


def check_name(path: Path) -> str:
    """The format of the file by its name (`.csv`, ...), or a refusal."""
    if not NAME_ALLOWED.match(path.name):
        raise RefusedFile(
            f"file name {path.name!r} is not allowed",
            "Rename it: letters, digits, dot, underscore and hyphen only, at most 121 characters, "
            "starting with a letter or digit.",
        )
    base = path.name.removesuffix(".gz")
    for form in FORMATS:
        if base.endswith(form) and not (form == ".parquet" and path.name.endswith(".gz")):
            return form
    raise RefusedFile(
        f"unknown file format {path.name!r}",
        "Deliver .ndjson, .json, .csv (each also .gz) or .parquet.",
    )


def check_kind(path: Path, settings: Settings) -> int:
    """Size in bytes of a regular file, or a refusal; links are never followed."""
    info = path.lstat()
    if not stat.S_ISREG(info.st_mode):
        kind = "a link" if stat.S_ISLNK(info.st_mode) else "not a regular file"
        raise RefusedFile(f"{path.name} is {kind}", "Put the file itself into the landing folder.")
    if info.st_size > settings.max_file_bytes:
        raise RefusedFile(
            f"{path.name} has {info.st_size} bytes, more than the limit of {settings.max_file_bytes}",
            "Split the extract into smaller files.",
        )
    if info.st_size == 0:
        raise RefusedFile(
            f"{path.name} is empty", "Deliver the extract again; a file without rows still needs a header."
        )
    return info.st_size


def manifest_path(path: Path) -> Path:
    """Where the manifest of a landed file lies, if it has one."""
    return path.with_name(path.name + ".manifest.json")


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest beside the file, or an empty one."""
    manifest = manifest_path(path)
    if not manifest.is_file() or manifest.is_symlink():
        return {}
    try:
        # Some editors, and Windows, begin a text with a mark of its encoding.
        content = json.loads(manifest.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise StillBeingWritten(f"manifest of {path.name} cannot be read yet ({error})") from error
    if not isinstance(content, dict):
        return {}
    for name in ("rows", "bytes"):
        if name in content and not re.fullmatch(r"[0-9]{1,18}", str(content[name]), re.ASCII):
            # Mended, it is looked at again: of a refused file a change of its manifest would not be noticed.
            raise StillBeingWritten(
                f"manifest of {path.name} says {name} {content[name]!r}, which is not a whole number"
            )
    return content


def content_sha256(path: Path, stored_sha256: str, manifest: dict[str, Any]) -> str:
    """What tells the file's content from all other: the hash of its bytes as stored, mostly.

    Where its rows have their day from the manifest, that is content, too: a page of numbers nobody bought or gave up
    since yesterday has yesterday's bytes.
    """
    spec, day = SOURCES.get(path.parent.name), manifest.get("extracted_on")
    has_own_days = path.name.removesuffix(".gz").endswith((".csv", ".parquet"))
    if spec is None or not spec.dated_by_manifest or has_own_days or day is None:
        return stored_sha256
    return hashlib.sha256(f"{stored_sha256} {json.dumps(day)}".encode()).hexdigest()


def _plain_pieces(path: Path, digest: Any, settings: Settings) -> Any:
    """Decompressed bytes of a gzip file, piece by piece; every member's CRC is checked by zlib."""
    limit = path.stat().st_size * settings.max_expansion_ratio
    written = 0
    decoder = zlib.decompressobj(wbits=31)
    with path.open("rb") as stored:
        while piece := stored.read(PIECE):
            digest.update(piece)
            while piece:
                plain = decoder.decompress(piece, PIECE)
                written += len(plain)
                if written > max(limit, PIECE):
                    raise RefusedFile(
                        f"{path.name} expands to more than {settings.max_expansion_ratio} times its size",
                        "Check that it is a real extract; deliver it uncompressed if it is.",
                    )
                yield plain
                if decoder.eof:
                    piece = decoder.unused_data
                    if piece:
                        decoder = zlib.decompressobj(wbits=31)
                else:
                    piece = decoder.unconsumed_tail
    if not decoder.eof:
        raise RefusedFile(f"{path.name} is a truncated gzip file", "Deliver the complete file again.")


def check_file(path: Path, settings: Settings) -> CheckedFile:
    """Pass `path` through every check on its bytes.

    Raises RefusedFile with the remedy, or StillBeingWritten where the manifest does not match yet.
    """
    form = check_name(path)
    stored_bytes = check_kind(path, settings)
    manifest = read_manifest(path)
    if "bytes" in manifest and int(manifest["bytes"]) != stored_bytes:
        raise StillBeingWritten(f"{path.name} has {stored_bytes} bytes, but its manifest says {manifest['bytes']}")
    digest = hashlib.sha256()
    plain_path = path
    signature = None
    text = {".csv": _CsvCheck, ".parquet": _Utf8Check}.get(form, _JsonCheck)(path.name)
    try:
        if path.name.endswith(".gz"):
            plain_path = _staged(path, settings)
            _unpack(path, plain_path, digest, text, settings)
        elif form == ".parquet":
            plain_path = _stage_link(path, settings)
            signature = _looks(plain_path)
            _read_through(plain_path, digest, None)
            # It may become a part as it is: waited for here, in a thread, and not before the receipts.
            sync(plain_path)
        else:
            signature = _looks(path)
            _read_through(path, digest, text)
        sha256 = digest.hexdigest()
        if "sha256" in manifest and str(manifest["sha256"]).lower() != sha256:
            raise StillBeingWritten(f"{path.name} does not have the sha256 given in its manifest")
    except BaseException:
        if plain_path != path:
            plain_path.unlink(missing_ok=True)
        raise
    return CheckedFile(
        path,
        plain_path,
        form,
        content_sha256(path, sha256, manifest),
        stored_bytes,
        manifest,
        signature,
        text.is_strict,
        text.rows_by_lines,
        text.commas,
    )


def _unpack(path: Path, plain_path: Path, digest: Any, text: _Utf8Check, settings: Settings) -> None:
    try:
        with plain_path.open("wb") as plain_file:
            for piece in _plain_pieces(path, digest, settings):
                text.feed(piece)
                plain_file.write(piece)
            text.finish()
    except zlib.error as error:
        raise RefusedFile(f"{path.name} is a corrupt gzip file ({error})", "Deliver the file again.") from error


def _read_through(path: Path, digest: Any, utf8: _Utf8Check | None) -> None:
    with path.open("rb") as stored:
        while piece := stored.read(PIECE):
            digest.update(piece)
            if utf8:
                utf8.feed(piece)
    if utf8:
        utf8.finish()


class _Utf8Check:
    """Fed the file's bytes in order; refuses what is not UTF-8 text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self.lines = 1
        self.is_strict = True
        self.rows_by_lines: int | None = None
        self.commas = 0

    def feed(self, piece: bytes) -> None:
        if b"\x00" in piece:
            raise RefusedFile(
                f"{self.name} contains a NUL byte",
                "Deliver plain UTF-8 text; this looks cut off or binary.",
                row_number=self.lines + piece[: piece.index(b"\x00")].count(b"\n"),
            )
        if piece.isascii() and not self.decoder.getstate()[0]:
            self.lines += piece.count(b"\n")
            return
        try:
            self.decoder.decode(piece)
        except UnicodeDecodeError as error:
            raise RefusedFile(
                f"{self.name} is not valid UTF-8 ({error.reason})",
                "Deliver the extract as UTF-8.",
                row_number=self.lines + piece[: error.start].count(b"\n"),
            ) from error
        self.lines += piece.count(b"\n")

    def finish(self) -> None:
        try:
            self.decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise RefusedFile(
                f"{self.name} ends in the middle of a character", "Deliver the complete file again."
            ) from error


class _CsvCheck(_Utf8Check):
    """Also counts commas and, where there are quotes, lines: they show what a reader left out or made one row of.

    Blanks beside a quote are no CSV, and the engine forgives some: `is_strict` is false of a file that may have one.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.has_quotes = False
        self.returns = 0
        self.last = b""

    def feed(self, piece: bytes) -> None:
        super().feed(piece)
        self.has_quotes = self.has_quotes or b'"' in piece
        if b'" ' in piece or b' "' in piece or self.last + piece[:1] in (b'" ', b' "'):
            self.is_strict = False
        self.returns += piece.count(b"\r")
        self.commas += piece.count(b",")
        self.last = piece[-1:] or self.last

    def finish(self) -> None:
        super().finish()
        ends = self.lines - 1
        if self.has_quotes:
            # Without the header. The last line may do without an end.
            rows = ends - 1 if self.last == b"\n" else ends
            self.rows_by_lines = rows if self.is_strict and self.returns in (0, ends) else -1


class _JsonCheck(_Utf8Check):
    """Also notices what DuckDB's JSON reader forgives: a comma before a closing bracket, odd white space."""

    _FORGIVEN = re.compile(rb",[ \t\r\n]*[}\]]")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.comma_last = False

    def feed(self, piece: bytes) -> None:
        super().feed(piece)
        if not self.is_strict:
            return
        begun = piece.lstrip()
        closes_comma = self.comma_last and begun[:1] in (b"}", b"]")
        if closes_comma or b"\x0b" in piece or b"\x0c" in piece or self._FORGIVEN.search(piece):
            self.is_strict = False
        if begun:
            self.comma_last = piece.rstrip().endswith(b",")
