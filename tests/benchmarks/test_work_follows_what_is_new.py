"""Work, not seconds: what a build reads of raw files follows what is new, on any machine.

Rows scanned and files read are DuckDB's own count of every statement that builds or tests a node.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks.work_count import Work, build_work
from orchestration import pipeline
from orchestration.sampling import generate
from orchestration.settings import Settings

MONTHS = ("2024-09", "2024-10", "2024-11", "2024-12", "2025-01")
USAGE = (
    *("kustomer_messages", "translations", "twilio_calls", "twilio_messages", "whatsapp_webhooks"),
    "twilio_usage_records",
)


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five months of equal size, a file a source and month beside the contract's."""
    folder = tmp_path_factory.mktemp("work") / "extracts"
    generate(folder, records=60_000, months=len(MONTHS), format="flat", tenants=20)
    with next((folder / "account_map").iterdir()).open(encoding="utf-8") as accounts:
        account = next(row["account_id"] for row in csv.DictReader(accounts) if row["system"] == "twilio")
    for month in MONTHS:
        # A vendor's total of each month: texts are read for it, too, and those of that month alone (GEN-06).
        (folder / "twilio_usage_records" / f"{month}_totals.csv").write_text(
            f"account_sid,category,start_date,end_date,usage\n{account},sms-outbound,{month}-02,{month}-02,1\n"
        )
    return folder


def _land(extracts: Path, settings: Settings, months: tuple[str, ...], sources: tuple[str, ...] | None = None) -> None:
    """Copy what belongs to the months, or to none, of all sources or some."""
    for path in sorted(extracts.rglob("*")):
        named = next((month for month in MONTHS if path.name.startswith(month)), None)
        if path.is_file() and (named in months if named else not sources and months[0] == MONTHS[0]):
            if sources and path.parent.name not in sources:
                continue
            target = settings.landing / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())


def _work_of_a_month_on(extracts: Path, home: Path, history: int) -> Work:
    settings = Settings(home=home / "var", landing=home / "landing", memory_limit="1GB")
    _land(extracts, settings, MONTHS[:history])
    pipeline.run_all(settings)
    _land(extracts, settings, MONTHS[history : history + 1], USAGE)
    with build_work() as work:
        pipeline.run_all(settings)
    return work


def test_a_new_month_is_read_alone_whatever_lies_before_it(extracts: Path, tmp_path: Path) -> None:
    short, long = (_work_of_a_month_on(extracts, tmp_path / str(n), n) for n in (1, 4))
    # Calls, conversations and customer messages are not among these: a recording asks for its leg (VOI-04), a
    # conversation for the others of its customer (KIQ-03), a window for what it answers (WAP-08).
    for source in ("raw.kustomer_messages", "raw.translations", "raw.twilio_messages"):
        assert short.scanned[source] > 0
        assert long.scanned[source] <= short.scanned[source] * 1.1, source


def test_nothing_new_reads_nothing(extracts: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "var", landing=tmp_path / "landing", memory_limit="1GB")
    _land(extracts, settings, MONTHS[:1])
    pipeline.run_all(settings)
    with build_work() as work:
        pipeline.run_all(settings)
    assert (work.rows, work.files_read, work.queries) == (0, 0, 0)
