"""The drill of docs/deploy.md, by its own commands: landing, seeds and ledger are left, and all comes back the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import duckdb

from orchestration import pipeline
from orchestration.closing import ledger
from orchestration.closing.verification import verify_ledger
from orchestration.publishing import history
from orchestration.publishing.release import current_release
from orchestration.settings import PROJECT_DIR, Settings
from tests.closing.steps import close_at, invoices

LATE = (
    "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"
    "late-1,org_0003,en,de,500000,completed,2024-09-20T10:00:00Z\n"
)


def documented(name: str) -> str:
    """The block of docs/deploy.md marked `tested: name`."""
    text = (PROJECT_DIR / "docs" / "deploy.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- tested: {name} -->\n```sh\n(.*?)```", text, re.DOTALL)
    return str(block)


def run_block(name: str, settings: Settings, backup: Path, **more: str) -> str:
    """Run a documented block with the settings of an installation; returns what it prints."""
    script = documented(name).replace("/opt/meterhouse", str(PROJECT_DIR))
    command = (
        f'set -eu\nmeterhouse() {{ (cd "{PROJECT_DIR}" && .venv/bin/python -m orchestration.cli "$@"); }}\n{script}'
    )
    environment = (
        os.environ
        | more
        | {
            "METERHOUSE_HOME": str(settings.home),
            "METERHOUSE_LANDING": settings.landing_text,
            "METERHOUSE_MEMORY_LIMIT": settings.memory_limit,
            "BACKUP": str(backup),
        }
    )
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def inputs_of(settings: Settings) -> list[tuple[str, str]]:
    """(source, file) that the newest close stands on beside what earlier closes did."""
    newest = ledger.ledger_dir(settings) / ledger.entries(settings)[-1].folder_name / "inputs.parquet"
    rows = duckdb.sql(f"select source, file_name from read_parquet('{newest}') order by all").fetchall()
    return [(source, name) for source, name in rows]


def test_everything_comes_back_from_what_landed_seeds_and_ledger(mine: Settings, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    shutil.copytree(mine.landing, landing)
    before = mine.at(mine.home, str(landing))
    (landing / "translations" / "late.csv").write_text(LATE)
    published = pipeline.run_all(before).release
    assert published is not None and published.is_new
    issued, head = invoices(before), ledger.head(before)
    run_block("backup", before, tmp_path / "backup")
    shutil.rmtree(before.home)
    shutil.rmtree(before.landing)

    after = before.at(tmp_path / "elsewhere" / "var", str(tmp_path / "elsewhere" / "landing"))
    told = run_block("restore", after, tmp_path / "backup")
    assert "intact: " in told
    restored = current_release(after)
    assert restored is not None
    assert restored.content_hash == published.content_hash
    assert invoices(after) == issued
    assert ledger.head(after) == head
    assert verify_ledger(after).invoices == len([row for row in issued if row[2] == "issued"])
    assert len(set(run_block("compare", after, tmp_path / "backup").splitlines())) == 1

    # Numbers of releases go on, so what was known when is still in order; the next close knows what is new to it.
    known = history.publications(after)
    assert [p.release_id[:6] for p in known] == ["000001", "000002", "000003", "000004"]
    assert [p.published_at for p in known] == sorted(p.published_at for p in known)
    close_at(after, "2024-10", "2024-11-04", leave_out=("tnt_0002",))
    assert inputs_of(after) == [("translations", "late.csv")]


def test_a_release_can_be_set_back_by_hand(mine: Settings, tmp_path: Path) -> None:
    newest = current_release(mine)
    first = min(path.name for path in (mine.published_dir / "releases").iterdir())
    assert newest is not None and newest.release_id != first
    run_block("back", mine, tmp_path, RELEASE=first)
    served = current_release(mine)
    assert served is not None and served.release_id == first
    manifest = json.loads((served.path / "manifest.json").read_text())
    assert manifest["content_hash"] == served.content_hash != newest.content_hash

    again = pipeline.run_all(mine).release
    assert again is not None and again.is_new and again.content_hash == newest.content_hash
