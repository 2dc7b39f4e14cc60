"""The local copy of a landing on object storage: `settings.landing`, brought up to date before anything is taken in.

From there files are taken in as from any landing folder: the content's hash decides what is new, a changed
object is a changed file, a deleted one a deleted file. One listing decides whether anything is to be fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from orchestration.ingestion.landing_folder import taken_in
from orchestration.ingestion.prechecks import NAME_ALLOWED
from orchestration.ingestion.remote_landing import (
    LandedObject,
    ObjectChanging,
    RemoteLanding,
    RemoteLandingError,
    plain,
)
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings

# Both begin with a dot, so that neither is taken for something landed.
INDEX_NAME = ".index.json"
FETCHING = ".fetching-"
# Waiting for the storage, not for a processor; each fetch of a large object is several requests already.
FETCHES_AT_ONCE = 8
FAILURES_NAMED = 3
LONGEST_NAME = 200
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Copy:
    """An object and whether its bytes are wanted: what its name or size refuses anyway is not fetched."""

    found: LandedObject
    is_fetched: bool

    @property
    def noted(self) -> list[object]:
        """What the index keeps of it: as long as it is the same, so is the copy."""
        return [self.found.key, self.found.size, self.found.version, self.found.stamp_ns]


def differs(settings: Settings) -> bool:
    """Whether the storage holds anything else than the copy. One listing; fetches and writes nothing."""
    wanted = _wanted(settings, listed(settings, RemoteLanding(settings.landing_url)))
    return _up_to_date(settings, wanted) != wanted.keys() or any(name not in wanted for name in _present(settings))


def fill(settings: Settings, progress: Progress | None = None) -> int:
    """Make the copy equal to the storage; returns how many objects were fetched. Needs the writer lock.

    A file appears whole, under its final name, with the time of its object. Raises
    RemoteLandingError naming the objects that cannot be read, after fetching all others: a month is
    not billed on the part of its files that happened to be readable.
    """
    remote = RemoteLanding(settings.landing_url)
    wanted = _wanted(settings, listed(settings, remote))
    current = _up_to_date(settings, wanted)
    missing = [name for name in wanted if name not in current]
    settings.landing.mkdir(parents=True, exist_ok=True)
    for left_over in settings.landing.glob(f"*/{FETCHING}*"):
        left_over.unlink()
    _take_away(settings, wanted)
    failures: list[RemoteLandingError] = []
    with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
        fetches = {pool.submit(_put, remote, wanted[name], settings.landing / name): name for name in missing}
        for done, fetch in enumerate(as_completed(fetches), start=1):
            try:
                fetch.result()
                current.add(fetches[fetch])
            except ObjectChanging:
                pass
            except RemoteLandingError as error:
                failures.append(error)
            if progress:
                progress(fetches[fetch], done, len(missing))
    _note(settings, {name: wanted[name].noted for name in sorted(current)})
    if failures:
        failures.sort(key=str)
        named = "; ".join(str(error) for error in failures[:FAILURES_NAMED])
        more = f"; and {len(failures) - FAILURES_NAMED} more" if len(failures) > FAILURES_NAMED else ""
        raise RemoteLandingError(named + more, failures[0].remedy)
    return len(missing)


def listed(settings: Settings, remote: RemoteLanding) -> list[LandedObject]:
    """Every object of the landing. Raises RemoteLandingError where there is none and files were taken in before.

    A prefix that is mistyped lists nothing: it must not look as if everything had been deleted.
    """
    found = remote.objects()
    if not found and taken_in(settings):
        raise RemoteLandingError(
            f"{settings.landing_url} is empty, although files were taken in from it",
            "Check bucket and prefix in METERHOUSE_LANDING. Until then nothing is taken in, and the last release stays "
            "served. If it was cleared on purpose, put an object named .cleared there.",
        )
    return found


def _take_away(settings: Settings, wanted: dict[str, _Copy]) -> None:
    """Make room for what is fetched: an object may have the name of what was a folder, and a folder an object's."""
    for name in _present(settings):
        if name not in wanted:
            (settings.landing / name).unlink()
    for folder in settings.landing.iterdir():
        if folder.is_dir():
            with suppress(OSError):  # something lies in it
                folder.rmdir()


def _wanted(settings: Settings, objects: list[LandedObject]) -> dict[str, _Copy]:
    """The copy as it should be, by path below the spool."""
    folders = {found.key.partition("/")[0] for found in objects if "/" in found.key}
    wanted = {}
    for found in objects:
        folder, slash, name = found.key.partition("/")
        hidden = any(part.startswith(".") and part.strip(".") for part in (folder, name))
        if hidden or found.key.endswith("/"):  # as in a folder; and the empty objects that consoles show as folders
            continue
        base = name.removesuffix(".manifest.json")
        takeable = folder in SOURCES and bool(NAME_ALLOWED.match(base)) and not name.endswith(".part")
        if takeable:
            path = found.key
        elif slash:
            path = f"{_file_name(folder)}/{_file_name(name)}"
        else:
            path = _file_name(folder) + ("%" if folder in folders else "")
        wanted[path] = _Copy(found, takeable and found.size <= settings.max_file_bytes)
    return wanted


def _file_name(text: str) -> str:
    """The same name where a file can have it, else one that the checks refuse and that says what it was."""
    name = "".join(c if c.isprintable() and c != "/" else quote(c, safe="") for c in text)
    if name in ("", ".", ".."):
        name = f"%{name}"
    if len(name.encode()) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME // 4]}%{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return name


def _put(remote: RemoteLanding, copy: _Copy, target: Path) -> None:
    try:
        _write(remote, copy, target)
    except OSError as error:
        raise plain(f"the copy of {copy.found.key} cannot be written", error) from error


def _write(remote: RemoteLanding, copy: _Copy, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fetching = target.parent / f"{FETCHING}{hashlib.sha256(target.name.encode()).hexdigest()[:32]}"
    try:
        if copy.is_fetched:
            remote.fetch(copy.found, fetching)
        else:  # as long as the object, without a byte on disk: the checks see its name and its size
            with fetching.open("wb") as sparse:
                sparse.truncate(copy.found.size)
        with fetching.open("rb") as written:
            os.fsync(written.fileno())
        # Fetched twice, it still looks the same, and is not read again to find that out.
        os.utime(fetching, ns=(copy.found.stamp_ns, copy.found.stamp_ns))
        fetching.replace(target)
    finally:
        fetching.unlink(missing_ok=True)


def _present(settings: Settings) -> dict[str, tuple[int, int]]:
    """Size and time of every file of the copy, by path below the spool."""
    found: dict[str, tuple[int, int]] = {}
    if settings.landing.is_dir():
        for path in (*settings.landing.iterdir(), *settings.landing.glob("*/*")):
            if not path.name.startswith(".") and not path.is_dir():
                info = path.lstat()
                found[str(path.relative_to(settings.landing))] = (info.st_size, info.st_mtime_ns)
    return found


def _up_to_date(settings: Settings, wanted: dict[str, _Copy]) -> set[str]:
    """The paths whose file is the copy of the object as it is listed now."""
    index: dict[str, list[object]] = {}
    with suppress(OSError, ValueError):  # none yet, or cut off: everything is fetched again
        index = json.loads((settings.landing / INDEX_NAME).read_text(encoding="utf-8"))
    present = _present(settings)
    return {
        path
        for path, copy in wanted.items()
        if index.get(path) == copy.noted and present.get(path) == (copy.found.size, copy.found.stamp_ns)
    }


def _note(settings: Settings, index: dict[str, list[object]]) -> None:
    temporary = settings.landing / f"{INDEX_NAME}.next"
    temporary.write_text(json.dumps(index, indent=0) + "\n", encoding="utf-8")
    temporary.replace(settings.landing / INDEX_NAME)
