"""The benchmark's input: the sample at scale, generated once per size and kept.

Usage is the flat bulk alone, with its repeats and late rows; the labeled traps and malformed files of
the sample are left out. Contract data are reduced to what both sides can price exactly: no Orders, every
term from the first of January, month-end snapshots only.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from orchestration.sampling import generate
from orchestration.sampling.generate import FIRST_MONTH, months_from

REPEAT_SHARE = 0.005
LATE_SHARE = 0.01
TENANTS = 2_000
USAGE = (
    "kustomer_messages",
    "kustomer_conversations",
    "translations",
    "twilio_calls",
    "twilio_messages",
    "whatsapp_webhooks",
)
LEFT_OUT = (
    "twilio_recordings",
    "twilio_transcriptions",
    "twilio_usage_records",
    "twilio_phone_numbers",
    "whatsapp_conversation_analytics",
    "whatsapp_pricing_analytics",
    "carrier_penalties",
    "order_overrides",
    "storage_purchases",
    "suspensions",
    "payments",
)
# Change it when the generated files would change, so that an old cache is not taken for a new one.
FORM = "2"


def bench_dir() -> Path:
    """Where inputs, warehouses and results are kept: METERHOUSE_BENCH_DIR, else a folder for temporary files."""
    chosen = os.environ.get("METERHOUSE_BENCH_DIR")
    folder = Path(chosen) if chosen else Path(tempfile.gettempdir()) / "meterhouse_bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def bench_tenants() -> int:
    """Tenants of the generated world: METERHOUSE_BENCH_TENANTS, else 2,000."""
    return int(os.environ.get("METERHOUSE_BENCH_TENANTS") or TENANTS)


def landing_of(
    records: int,
    *,
    months: int = 3,
    first_month: date = FIRST_MONTH,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """The landing folder with `records` usage records over `months`; generated only if it does not exist yet."""
    tenants = bench_tenants()
    folder = bench_dir() / "landings" / f"{records}_{months}_{first_month:%Y-%m}_{tenants}_{FORM}"
    if (folder / ".complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    report = generate(
        folder,
        tenants=tenants,
        months=months,
        first_month=first_month,
        records=records,
        format="flat",
        repeat_share=REPEAT_SHARE,
        late_share=LATE_SHARE,
        progress=say,
    )
    report.key_path.unlink()
    _simplify(folder)
    made = {"records": records, "months": [f"{month:%Y-%m}" for month in months_from(first_month, months)]}
    (folder / ".complete").write_text(json.dumps(made) + "\n", encoding="utf-8")
    return folder


def months_of(landing: Path) -> list[date]:
    """Billing months the landing was generated for."""
    made = json.loads((landing / ".complete").read_text(encoding="utf-8"))
    return [date.fromisoformat(f"{month}-01") for month in made["months"]]


def _simplify(folder: Path) -> None:
    for source in LEFT_OUT:
        shutil.rmtree(folder / source, ignore_errors=True)
    for source in (*USAGE, "number_events"):
        for path in (folder / source).iterdir():
            if "bulk" not in path.name and path.name != "all.csv":
                path.unlink()
    _rewrite(folder / "subscriptions" / "all.csv", lambda row: row | {"term_start": "2023-01-01"})
    for source in ("seat_snapshots", "storage_snapshots"):
        _last_of_each_month(folder / source / "all.csv")


def _last_of_each_month(path: Path) -> None:
    """One file per month, as a month's extract would deliver it, with the month's last snapshots only."""
    last: dict[str, str] = {}
    for taken_at in _column(path, "taken_at"):
        last[taken_at[:7]] = max(taken_at, last.get(taken_at[:7], ""))
    for month, taken_at in last.items():
        target = path.with_name(f"{month}.csv")
        shutil.copyfile(path, target)
        _rewrite(target, lambda row, kept=taken_at: row if row["taken_at"] == kept else None)  # type: ignore[misc]
    path.unlink()


def _column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return [row[name] for row in csv.DictReader(lines)]


def _rewrite(path: Path, change: Callable[[dict[str, str]], dict[str, str] | None]) -> None:
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        header = list(reader.fieldnames or [])
        rows = [changed for row in reader if (changed := change(row)) is not None]
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_through(landing: Path) -> int:
    """Read every file once, so that no measured run pays for a cold disk. Returns the bytes."""
    total = 0
    for path in sorted(landing.rglob("*")):
        if path.is_file():
            with path.open("rb") as content:
                while block := content.read(1 << 22):
                    total += len(block)
    return total
