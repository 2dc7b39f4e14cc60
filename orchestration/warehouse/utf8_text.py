"""Whether what dbt reads of the project is UTF-8 text: the parser names neither file nor line of a wrong byte."""

from __future__ import annotations

from pathlib import Path

from orchestration.errors import BuildFailed

# Where the parser reads, and what it takes for text there.
_PARTS = ("models", "macros", "seeds", "tests/generic")
_ENDINGS = {".csv", ".sql", ".yml", ".yaml", ".md"}
SAVE_AS_UTF8 = "Save the file as UTF-8 (a spreadsheet calls it CSV UTF-8), then run again."


def wrong_byte(path: Path, name: str) -> str | None:
    """What is not UTF-8 in the file at `path`, called `name`, with its line; None where all of it is."""
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f"{name}, line {line}: the byte 0x{content[error.start]:02x} is not UTF-8 text"
    return None


def demand_utf8(project_dir: Path) -> None:
    """Raise BuildFailed where a file of the project is not UTF-8 text, with all such files and their lines."""
    found = [
        wrong
        for part in _PARTS
        for path in sorted((project_dir / part).rglob("*"))
        if path.suffix in _ENDINGS and path.is_file()
        if (wrong := wrong_byte(path, path.relative_to(project_dir).as_posix()))
    ]
    if found:
        raise BuildFailed("; ".join(found), SAVE_AS_UTF8)
