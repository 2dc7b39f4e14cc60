"""What our HTML pages share: the template's settings, and a page written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


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
    """Put `page` at `target` and return that; until all of it is written, what was there stays."""
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f".{target.name}.building")
    try:
        building.write_text(page, encoding="utf-8", newline="\n")
        building.replace(target)
    finally:
        building.unlink(missing_ok=True)
    return target
