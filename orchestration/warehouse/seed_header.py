"""The first line of a seed: exactly the columns the project describes, or words that name the file and the column."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path


class SeedBroken(Exception):
    """A seed's file is not what its table can hold. Says which file, which column, and what to write instead."""


def seed_columns(path: Path, kinds: Mapping[str, str]) -> list[str]:
    """The columns of the seed, in the order of the file; `kinds` are those it must have. Raises SeedBroken."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            found = [name.strip() for name in next(csv.reader(text), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SeedBroken(f"{path.parent.name}/{path.name} cannot be read as UTF-8 text: {error}") from error
    wrong = _wrong(found, kinds)
    if wrong:
        raise SeedBroken(
            f"the first line of {path.parent.name}/{path.name} {'; '.join(wrong)}. Its columns are {', '.join(kinds)}, "
            "separated by commas"
        )
    return found


def _wrong(found: list[str], kinds: Mapping[str, str]) -> list[str]:
    told = []
    missing = [name for name in kinds if name not in found]
    for name in dict.fromkeys(found):
        if name not in kinds:
            like = get_close_matches(name, missing, n=1)
            told.append(f"has {name!r}, which is not one of its columns{f' (did you mean {like[0]}?)' if like else ''}")
        elif found.count(name) > 1:
            told.append(f"has {name} {found.count(name)} times")
    if missing:
        told.append(f"lacks {', '.join(missing)}")
    return told
