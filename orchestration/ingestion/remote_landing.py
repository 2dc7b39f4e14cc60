"""What lies in a landing folder on object storage, by any URL fsspec reads: one listing, and one object fetched.

Owns the words for what goes wrong there. What is fetched, and where it is put, is decided by spool.py.
Endpoint and credentials are the storage library's own settings, from the environment.
"""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.errors import MeterhouseError

# What the storage libraries call the mark that changes with an object's content, best first.
VERSION_NAMES = ("ETag", "etag", "generation", "content_md5", "mtime", "created")
MODIFIED_NAMES = ("LastModified", "last_modified", "updated")
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


class RemoteLandingError(MeterhouseError):
    """The landing on object storage cannot be read, or not whole: nothing is taken in, the last release stays."""


class ObjectChanging(Exception):
    """An object that was written to while it was fetched; looked at again next time."""


@dataclass(frozen=True)
class LandedObject:
    """An object: its key below the landing URL, bytes, a mark that changes with its content, when it was written.

    `modified` is in seconds since 1970, UTC; 0 where the storage does not say.
    """

    key: str
    size: int
    version: str
    modified: int

    @property
    def stamp_ns(self) -> int:
        """The time a copy carries, in nanoseconds: another one for another version, also within one second."""
        of_version = int(hashlib.sha256(self.version.encode()).hexdigest()[:8], 16) % 10**6
        return self.modified * 10**9 + of_version * 1000


class RemoteLanding:
    """A landing URL such as s3://bucket/prefix. Raises RemoteLandingError where it cannot be read here, or reached."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self.url = url
        try:
            # Neither an old listing nor a client with old credentials may answer.
            options = {"use_listings_cache": False, "skip_instance_cache": True}
            self.storage, self.root = url_to_fs(url, **options)
        except (ImportError, ValueError) as error:
            package = PACKAGES.get(url.partition("://")[0])
            remedy = (
                f"Install the package {package}." if package else "Use a folder or a URL such as s3://bucket/prefix."
            )
            raise RemoteLandingError(f"METERHOUSE_LANDING={url} cannot be read here ({error})", remedy) from error
        except Exception as error:  # some connect at once, as of ftp, with errors of their own
            raise plain(f"{url} cannot be reached", error) from error

    def objects(self) -> list[LandedObject]:
        """Every object below the URL, by one listing, in order of keys. Raises RemoteLandingError."""
        try:
            listed = self.storage.find(self.root, detail=True)
        except Exception as error:  # each storage has errors of its own
            raise plain(f"{self.url} cannot be listed", error) from error
        prefix = f"{self.root}/"
        return [_object(name.removeprefix(prefix), listed[name]) for name in sorted(listed) if name.startswith(prefix)]

    def fetch(self, found: LandedObject, target: Path) -> None:
        """Write the object's bytes to `target`. Raises RemoteLandingError, or ObjectChanging if it is another now."""
        path = f"{self.root}/{found.key}"
        try:
            self.storage.get_file(path, str(target))
            now = _object(found.key, self.storage.info(path))
        except Exception as error:
            raise plain(f"{self.url}/{found.key} cannot be read", error) from error
        if target.stat().st_size != found.size or (now.version, now.size) != (found.version, found.size):
            raise ObjectChanging(found.key)


def _object(key: str, info: dict[str, Any]) -> LandedObject:
    version = next((str(info[name]).strip('"') for name in VERSION_NAMES if info.get(name)), "")
    modified = next((info[name] for name in MODIFIED_NAMES if isinstance(info.get(name), datetime)), None)
    return LandedObject(key, int(info["size"]), version, int(modified.timestamp()) if modified else 0)


def plain(what: str, error: Exception) -> RemoteLandingError:
    """The error with what to do about it, told by its kind: the libraries' own classes are not loaded for this."""
    kind = type(error).__name__
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        remedy = "Free space in the state folder (METERHOUSE_HOME) for a copy of the objects, then run again."
    elif isinstance(error, PermissionError) or "Credential" in kind:
        remedy = (
            "Give this process credentials that may list the bucket and read its objects: AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY in the environment file, or the machine's own role."
        )
    elif isinstance(error, FileNotFoundError):
        remedy = "Check bucket and prefix in METERHOUSE_LANDING; an object may have been deleted meanwhile: run again."
    elif isinstance(error, (OSError, TimeoutError)) or "Connect" in kind or "Timeout" in kind or "Endpoint" in kind:
        remedy = "Check the network and AWS_ENDPOINT_URL_S3, then run again; what was fetched is kept."
    else:
        remedy = "Fix what the storage reports, then run again; what was fetched is kept."
    return RemoteLandingError(f"{what} ({kind}: {error})", remedy)
