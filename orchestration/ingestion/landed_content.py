"""What new content lies in the landing folder: told by hashes, so that a renamed or touched file is not new.

For who must decide whether to start a run; taking in decides for itself. Reads only what looks new, and
remembers what it read by path, size and time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration import duck
from orchestration.file_hash import file_sha256
from orchestration.ingestion.landing_folder import landed_paths, noted, signature
from orchestration.ingestion.prechecks import content_sha256, manifest_path, read_manifest
from orchestration.ingestion.receipts import seen_files
from orchestration.ingestion.refusal import StillBeingWritten
from orchestration.settings import Settings
from orchestration.wording import storable_text

Signature = tuple[int, int]


@dataclass
class NewContent:
    """Files whose content was never judged: (source, file name), and one hash over what they and their manifests hold.

    `read` is what to pass on to the next look: hashes by path, size and time.
    """

    files: list[tuple[str, str]] = field(default_factory=list)
    content_hash: str = ""
    read: dict[str, str] = field(default_factory=dict)
    known_again: int = 0


def signatures_seen(settings: Settings) -> dict[str, Signature]:
    """Size and time of every path as last judged. Raises duckdb.IOException while somebody writes."""
    if not settings.warehouse_path.exists():
        return {}
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        try:
            return seen_files(connection)
        except duckdb.CatalogException:
            return {}


def files_not_taken_in(settings: Settings) -> list[str]:
    """source/name of each landed file that was never judged as it lies there; those that wait are among them.

    Raises duckdb.IOException while somebody writes.
    """
    seen = signatures_seen(settings)
    looks = ((source, path, signature(path)) for source, path in landed_paths(settings))
    return [
        "/".join(filter(None, (storable_text(source), storable_text(path.name))))
        for source, path, look in looks
        if look is not None and look != seen.get(noted(path))
    ]


def new_content(settings: Settings, read_before: Mapping[str, str]) -> NewContent:
    """What lies there that no run has judged, by content. Raises duckdb.IOException while somebody writes."""
    seen, judged = signatures_seen(settings), _judged(settings)
    found = NewContent()
    contents = set()
    for source, path in landed_paths(settings):
        look = signature(path)
        if look is None or seen.get(noted(path)) == look or path.name.endswith(".part"):
            continue
        look_key = f"{noted(path)} {look[0]} {look[1]}"
        try:
            digest = read_before.get(look_key) or file_sha256(path)
        except OSError:
            continue  # went away, or cannot be read: a run says so, a look need not
        found.read[look_key] = digest
        with suppress(StillBeingWritten):  # told by its bytes alone, until the manifest can be read
            digest = content_sha256(path, digest, read_manifest(path))
        if (source, digest) in judged:
            found.known_again += 1
            continue
        found.files.append((storable_text(source), storable_text(path.name)))
        contents.add(storable_text(f"{source} {digest} {_manifest_sha256(path)}"))
    if contents:
        found.content_hash = hashlib.sha256("\n".join(sorted(contents)).encode()).hexdigest()
    return found


def _manifest_sha256(path: Path) -> str:
    """Of what the manifest says, if there is one: a file that waited for it to be corrected is worth another run."""
    with suppress(OSError):
        return file_sha256(manifest_path(path))
    return ""


def _judged(settings: Settings) -> set[tuple[str, str]]:
    """(source, content) of every file accepted, or refused for what it holds."""
    if not settings.warehouse_path.exists():
        return set()
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        try:
            rows = connection.execute("select distinct source, file_sha256 from raw.receipts").fetchall()
        except duckdb.CatalogException:
            return set()
    return {(source, digest) for source, digest in rows}
