"""Where pulled files land: a folder, or object storage by URL; either way a file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from orchestration.durable import sync
from orchestration.pulling.failures import PullFailed
from orchestration.settings import Settings

# Hidden, so the ingestion does not look at it; one a source, as only one process pulls a source.
PART_NAME = ".pulled.ndjson.gz.part"


class LandingPlace(Protocol):
    """`part` is where the file grows; `publish` puts it, complete and on the disk, under its name."""

    part: Path

    def publish(self, name: str) -> bool:
        """False where a file of that name, and so of that content, is there already."""


class Folder:
    """A source's folder of the landing; the file grows beside its place, so that renaming is all it takes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.part = folder / PART_NAME

    def publish(self, name: str) -> bool:
        target = self.folder / name
        if target.exists():  # touching it would have it looked at again
            return False
        self.part.rename(target)
        sync(self.folder)
        return True


class ObjectStorage:
    """A source's prefix of a landing URL (s3://bucket/prefix): an object is there only when all of it is.

    Endpoint and credentials are the storage library's own settings, from the environment.
    """

    def __init__(self, url: str, part: Path) -> None:
        self.url = url
        self.part = part

    def publish(self, name: str) -> bool:
        from fsspec.core import url_to_fs

        try:
            storage, root = url_to_fs(self.url, use_listings_cache=False, skip_instance_cache=True)
            target = f"{root}/{name}"
            if storage.exists(target):
                return False
            storage.put_file(str(self.part), target)
        except Exception as error:  # each storage has errors of its own
            raise PullFailed(
                f"{self.url}/{name} cannot be written ({type(error).__name__}: {error})",
                "Give this process credentials that may list the bucket and put objects there.",
            ) from error
        return True


def landing_place(settings: Settings, source: str) -> LandingPlace:
    """Where files of the source land."""
    # A landing on object storage has a copy at `settings.landing`, which is the ingestion's, not ours to write.
    url = settings.landing_url
    if url:
        return ObjectStorage(f"{url}/{source}", settings.home / "pulling" / f"{source}{PART_NAME}")
    return Folder(settings.landing / source)
