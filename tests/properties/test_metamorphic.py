"""What must not change an invoice: how the same records arrive, on what machine, beside whom."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from orchestration import duck, pipeline
from orchestration.quality.content_hash import candidate_hashes
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.dbt_build import build
from tests.oracle.worlds import Tables
from tests.properties.harness import Batch, clear, make_batch, write_landing

BATCH: Batch = make_batch(1, 12)
# Which file and line a record stood in is told in findings; nothing else may differ.
ABOUT_FILES = {"rpt_findings"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One place for every run, so that dbt parses the project once."""
    folder = tmp_path_factory.mktemp("metamorphic")
    return Settings(home=folder / "var", landing=folder / "landing", memory_limit="1GB")


@pytest.fixture
def settings(installation: Settings) -> Settings:
    clear(installation)
    return installation


def _hashes(settings: Settings) -> dict[str, str]:
    with duck.connect(settings.warehouse_path, settings) as connection:
        return {name: value for name, value in candidate_hashes(connection).items() if name not in ABOUT_FILES}


def _billed(settings: Settings, tables: Tables, seed: int, files: int) -> dict[str, str]:
    clear(settings)
    write_landing(settings.landing, tables, random.Random(seed), files, again=0)
    pipeline.take_in(settings, lambda _: None)
    assert build(settings).errors == []
    return _hashes(settings)


@pytest.fixture(scope="module")
def billed_once(installation: Settings) -> dict[str, str]:
    hashes = _billed(installation, BATCH.tables, seed=1, files=3)
    assert len(hashes) > 15
    return hashes


@pytest.mark.parametrize("files", [1, 7])
def test_splitting_merging_and_shuffling_files_changes_nothing(
    settings: Settings, billed_once: dict[str, str], files: int
) -> None:
    assert _billed(settings, BATCH.tables, seed=files + 100, files=files) == billed_once


def test_files_renamed_and_delivered_twice_change_nothing(settings: Settings, billed_once: dict[str, str]) -> None:
    write_landing(settings.landing, BATCH.tables, random.Random(1), 3, again=0)
    for path in sorted(settings.landing.glob("*/*.csv")):
        (path.parent / f"again_{path.name}").write_bytes(path.read_bytes())
        path.rename(path.with_name(f"z{path.name}"))
    pipeline.take_in(settings, lambda _: None)
    assert build(settings).errors == []
    assert _hashes(settings) == billed_once


def test_landing_in_five_runs_gives_what_one_run_gives(
    settings: Settings, tmp_path: Path, billed_once: dict[str, str]
) -> None:
    staged = tmp_path / "staged"
    write_landing(staged, BATCH.tables, random.Random(5), 5, again=0)
    for number in range(5):
        for path in sorted(staged.glob(f"*/part{number}.csv")):
            target = settings.landing / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        pipeline.take_in(settings, lambda _: None)
        assert build(settings).errors == []
    assert _hashes(settings) == billed_once


@pytest.mark.parametrize(
    ("threads", "zone", "locale"), [("1", "Asia/Kolkata", "C"), ("8", "America/Caracas", "de_DE.UTF-8")]
)
def test_threads_time_zone_and_locale_change_nothing(
    settings: Settings, billed_once: dict[str, str], threads: str, zone: str, locale: str
) -> None:
    write_landing(settings.landing, BATCH.tables, random.Random(1), 3, again=0)
    environment = {
        **os.environ,
        **{"TZ": zone, "LC_ALL": locale, "LANG": locale, "METERHOUSE_THREADS": threads, "PYTHONUTF8": "1"},
        **{"METERHOUSE_HOME": str(settings.home), "METERHOUSE_LANDING": str(settings.landing)},
    }
    script = (
        "from orchestration import pipeline; from orchestration.settings import load_settings; "
        "from orchestration.warehouse.dbt_build import build; s = load_settings(); "
        "pipeline.take_in(s, lambda _: None); assert build(s).errors == []"
    )
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=PROJECT_DIR, check=True, capture_output=True)
    assert _hashes(settings) == billed_once


def _lines_of(settings: Settings, world: str, until: date) -> list[tuple[object, ...]]:
    with duck.connect(settings.warehouse_path, settings) as connection:
        return connection.execute(
            f"""
            select * from marts.fct_invoice_lines
            where tenant_id like '{world}\\_t%' escape '\\' and billing_month <= date '{until}'
            order by line_id
            """
        ).fetchall()


def test_removing_every_other_tenant_leaves_a_tenants_invoices_alone(settings: Settings) -> None:
    """A world's tenants only ever touch each other: removing all other worlds must change no line.

    Up to the last month metered anywhere, to which open numbers run (NUM-01): fewer tenants may end earlier.
    """
    one = BATCH.worlds[3]

    def bill(tables: Tables) -> None:
        clear(settings)
        write_landing(settings.landing, tables, random.Random(1), 2, again=0)
        pipeline.take_in(settings, lambda _: None)
        assert build(settings).errors == []

    bill(one.tables)
    with duck.connect(settings.warehouse_path, settings) as connection:
        evident = connection.table("intermediate.int_gen_01__tenant_months_evident")
        last = evident.max("billing_month").fetchone()
    assert last is not None
    until = last[0]
    alone = _lines_of(settings, one.id, until)
    bill(BATCH.tables)
    assert len(alone) > 5
    assert alone == _lines_of(settings, one.id, until)


def test_the_hash_would_notice_one_changed_record(
    settings: Settings, billed_once: dict[str, str], record_property: Callable[[str, object], None]
) -> None:
    tables = {source: [dict(row) for row in rows] for source, rows in BATCH.tables.items()}
    changed = next(row for row in tables["twilio_calls"] if row["status"] == "completed" and row["duration"] == "61")
    changed["duration"] = "121"
    record_property("changed", json.dumps(changed))
    assert _billed(settings, tables, seed=1, files=3) != billed_once
