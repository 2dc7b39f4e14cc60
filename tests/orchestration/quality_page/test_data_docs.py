"""Great Expectations' own pages are made from the run's results, and ask nothing of any network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.errors import MeterhouseError
from orchestration.quality.suites import candidate_suites
from orchestration.quality_page.data_docs import build_data_docs
from orchestration.settings import PROJECT_DIR, Settings
from tests.conftest import SampleRun


def test_the_command_writes_our_page_and_data_docs_of_every_suite(sample_run: SampleRun, tmp_path: Path) -> None:
    home = tmp_path / "var"
    home.mkdir()
    shutil.copy(sample_run.settings.warehouse_path, home / "warehouse.duckdb")
    shutil.copytree(sample_run.settings.published_dir, home / "published", symlinks=True)
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "quality", "--data-docs"],
        env=os.environ
        | {"METERHOUSE_HOME": str(home), "METERHOUSE_LANDING": str(tmp_path), "PYTHONPATH": str(PROJECT_DIR)},
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    ours, theirs = (Path(line.split(" (")[0]) for line in done.stdout.strip().splitlines())
    assert ours.parent == home / "quality"
    pages = sorted(theirs.parent.rglob("*.html"))
    index = theirs.read_text(encoding="utf-8")
    suites = ["arriving", *(suite.name for suite in candidate_suites())]
    for name in suites:
        (results,) = [page for page in pages if page.name == f"candidate-{name}.html"]
        assert str(results.relative_to(theirs.parent)) in index
        assert results.read_text(encoding="utf-8").count("Evaluated Expectations") >= 1
    lines = next(page for page in pages if page.name == "candidate-candidate_invoice_lines.html").read_text()
    # Nine expectations, all of this run.
    assert re.search(r"Evaluated Expectations.*?>\s*9\s*<", lines, re.DOTALL)
    assert lines.count("fa-check-circle") >= 9
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.search(r"""(src|href)=["']https?://[^"']*\.(css|js|png|svg|ico)|url\(['"]?https?:""", text) is None
        (link,) = set(re.findall(r'<a href="([^"]+)">our page</a>', text))
        assert (page.parent / link).resolve() == ours.resolve()


def test_without_results_that_is_said(settings: Settings, tmp_path: Path) -> None:
    import duckdb

    settings.home.mkdir()
    duckdb.connect(str(settings.warehouse_path)).close()
    with pytest.raises(MeterhouseError, match="no results") as refusal:
        build_data_docs(settings, tmp_path / "page.html")
    assert "meterhouse run" in refusal.value.remedy
