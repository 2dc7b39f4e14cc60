"""Extracts pulled from the vendors' APIs into the landing folder, where no files are dropped.

What is written is what a vendor would have dropped: its own resources, to the character. Nothing here
knows what a record means; taking in, judging and superseding are the ingestion's and the models' work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.errors import MeterhouseError


@contextmanager
def with_its_library() -> Iterator[None]:
    """Around imports of what needs dlt, an optional part of the installation (`meterhouse[pull]`)."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MeterhouseError(
            f"pulling needs a library that is not installed ({error.name})",
            "Install it from requirements.lock: make install.",
        ) from error
