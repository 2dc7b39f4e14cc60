"""The exposures tell who reads the marts: what the program reads and what they depend on are the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.settings import PROJECT_DIR

FILE = PROJECT_DIR / "models/marts/_marts__exposures.yml"
EXPOSURES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["exposures"]
MARTS = {path.stem for path in (PROJECT_DIR / "models/marts").rglob("*.sql")}
# The product's own work on what it is about to publish: no reader to be told of a change.
ITS_OWN = {
    *("orchestration/quality", "orchestration/publishing", "orchestration/warehouse", "orchestration/graph"),
    *("orchestration/reporting.py",),
}


def _files(module: str) -> list[Path]:
    path = PROJECT_DIR / module
    assert path.exists(), module
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _marts_read(path: Path) -> set[str]:
    """Marts named in queries (`marts.<name>`), or by a text that is a mart's name and nothing else."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value, *re.findall(r"\bmarts\.(\w+)", node.value)} & MARTS
    return found


@pytest.mark.parametrize("exposure", EXPOSURES, ids=lambda exposure: str(exposure["name"]))
def test_an_exposure_depends_on_exactly_the_marts_its_modules_read(exposure: dict[str, Any]) -> None:
    named = [re.fullmatch(r"ref\('(\w+)'\)", text) for text in exposure["depends_on"]]
    depends_on = [found[1] for found in named if found]
    assert len(depends_on) == len(set(depends_on)) == len(named)
    files = [path for module in exposure["meta"]["modules"] for path in _files(module)]
    read = set().union(*map(_marts_read, files))
    if exposure["meta"].get("reads_every_mart"):
        assert any("marts.{" in path.read_text(encoding="utf-8") for path in files)
        read = MARTS
    assert set(depends_on) == read
    assert exposure["owner"]["name"]
    assert exposure["description"]


def test_whatever_reads_a_mart_is_part_of_an_exposure() -> None:
    told = {path for exposure in EXPOSURES for module in exposure["meta"]["modules"] for path in _files(module)}
    own = {path for module in ITS_OWN for path in _files(module)}
    readers = {path for path in (PROJECT_DIR / "orchestration").rglob("*.py") if _marts_read(path)}
    assert sorted(str(path) for path in readers - told - own) == []


def test_marts_alone_may_be_read_from_outside() -> None:
    """Staging and intermediate models keep dbt's default, protected."""
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))["models"]["meterhouse"]
    assert (project["marts"]["+access"], project["marts"]["+group"]) == ("public", "marts")
    assert not {"+access", "+group"} & (project["staging"].keys() | project["intermediate"].keys())
    told = [path for path in [*(PROJECT_DIR / "models").rglob("*.yml")] if re.search(r"^\s+access:", path.read_text())]
    assert told == []
