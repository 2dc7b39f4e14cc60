"""What our HTML pages share: the template's settings, and a page written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.durable import sync


def environment(*folders: Path) -> Environment:
    """Templates of `folders`, the first one first; a name a template does not know is an error."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def write_whole(page: str, target: Path) -> Path:
    """Put `page` at `target` and return that; until all of it is written, what was there stays.

    A link stays one: the page is put where it leads.
    """
    place = Path(os.path.realpath(target))
    place.parent.mkdir(parents=True, exist_ok=True)
    # Of this call alone: two commands may write one page at once, and the later one's stays.
    building = place.with_name(f".{secrets.token_hex(8)}.building")
    try:
        building.write_text(page, encoding="utf-8", newline="\n")
        sync(building)
        building.replace(place)
        sync(place.parent)
    finally:
        building.unlink(missing_ok=True)
    return target
