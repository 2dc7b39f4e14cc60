"""The documentation tells the truth: every query runs, every mart is there, every module named says what it takes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.publishing.analyst_sql import open_release, run_query
from orchestration.settings import PROJECT_DIR
from tests.conftest import SampleRun

MARTS = (PROJECT_DIR / "docs/marts.md").read_text(encoding="utf-8")
CLOSING = (PROJECT_DIR / "docs/closing.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)\n```", MARTS + CLOSING, re.DOTALL)
PAGES = [*PROJECT_DIR.glob("*.md"), *PROJECT_DIR.glob("docs/*.md")]
MODULES = {name for page in PAGES for name in re.findall(r"python -m ([\w.]+)", page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("query", QUERIES)
def test_the_documented_query_runs(sample_run: SampleRun, query: str) -> None:
    columns, _ = run_query(open_release(sample_run.settings), query)
    assert columns


def test_every_mart_has_grain_joins_and_three_questions(sample_run: SampleRun) -> None:
    _, tables = run_query(open_release(sample_run.settings), "select table_name from duckdb_tables() order by 1")
    sections = dict(re.findall(r"\n## (\w+)\n(.*?)(?=\n## |\Z)", MARTS, re.DOTALL))
    assert sorted(sections) == [name for (name,) in tables]
    for text in sections.values():
        assert "Grain: " in text
        assert "Joins: " in text
        assert text.count("```sql") == 3


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_documented_module_says_what_it_takes_and_does_nothing_else(module: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        env=os.environ | {"METERHOUSE_HOME": str(home)},
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.lower().lstrip().startswith(f"usage: python -m {module}")
    assert not home.exists()
