"""The tables of docs/operations.md name tests that exist, and leave out none of those that try a door.

Files of kills hold tests of single parts as well (numbers, locks, headers), which are no row of a page for operators.
"""

from __future__ import annotations

import re

import pytest

from orchestration.settings import PROJECT_DIR

PAGE = (PROJECT_DIR / "docs/operations.md").read_text(encoding="utf-8")
TABLES = {
    "Doors tried": ("tests/gate/test_doors.py", "tests/survival/test_graphql_doors.py"),
    "Kills survived": (
        "tests/survival/test_kills.py",
        "tests/survival/test_killed_builds.py",
        "tests/survival/test_full_disk.py",
        "tests/survival/test_second_writers.py",
        "tests/survival/test_reconciler.py",
    ),
}


@pytest.mark.parametrize("title", TABLES)
def test_every_row_names_a_test_that_exists(title: str) -> None:
    (section,) = re.findall(rf"\n## {title}\n(.*?)(?=\n## |\Z)", PAGE, re.DOTALL)
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    named = [re.fullmatch(r"\| .+ \| .+ \| `(test_\w+)` \|", row) for row in rows]
    assert rows and all(named), rows
    there = {
        name
        for path in TABLES[title]
        for name in re.findall(r"^def (test_\w+)", (PROJECT_DIR / path).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {match[1] for match in named if match} <= there


def test_every_door_tried_is_in_the_table() -> None:
    for path in TABLES["Doors tried"]:
        for name in re.findall(r"^def (test_\w+)", (PROJECT_DIR / path).read_text(encoding="utf-8"), re.MULTILINE):
            assert f"`{name}`" in PAGE, name
