"""Writing the sample: files of every source for a landing folder, and the key that labels its traps.

The one entry is `generate`. Equal arguments give equal bytes: one seed, no clock.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.ingestion.sources import SOURCES
from orchestration.sampling import shapes
from orchestration.sampling.bulk_flat import write_bulk_flat
from orchestration.sampling.malformed import add_malformed
from orchestration.sampling.traps import EXACT_COPY, add_traps
from orchestration.sampling.usage import Usage, add_bulk
from orchestration.sampling.vendor_totals import add_vendor_totals
from orchestration.sampling.world import build_world

PAGE_SIZE = 1000
DEFAULT_SEED = 20241101
FIRST_MONTH = date(2024, 9, 1)
Progress = Callable[[str], None]


@dataclass
class SampleReport:
    """What was written: files and raw records by source, and where the key of traps lies."""

    out: Path
    key_path: Path
    files: int = 0
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        return sum(self.rows.values())


def months_from(first: date, count: int) -> list[date]:
    """`count` billing months from `first` on, as first days."""
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def generate(
    out: Path,
    *,
    tenants: int = 30,
    months: int = 3,
    records: int = 200_000,
    seed: int = DEFAULT_SEED,
    format: str = "upstream",
    first_month: date = FIRST_MONTH,
    repeat_share: float = 0.0,
    late_share: float = 0.0,
    progress: Progress | None = None,
) -> SampleReport:
    """Write sample extracts into the folder `out` and `<out>.key.json` beside it.

    `records` is the number of ordinary usage records; contract data, snapshots and traps come on
    top. format: upstream (vendors' shapes) or flat (CSV, and Parquet for the bulk, streamed, so
    that 100 million records need little memory). Of the flat bulk, `repeat_share` is sent twice and
    `late_share` lands a month late. Raises ValueError for arguments out of range.
    """
    if tenants < 20 or months < 1 or records < 0 or format not in ("upstream", "flat"):
        raise ValueError(
            "sample data needs at least 20 tenants, 1 month and 0 records, and the format upstream or flat"
        )
    say = progress or (lambda _: None)
    month_list = months_from(first_month, months)
    world = build_world(tenants, month_list, seed)
    usage = Usage(seed)
    add_traps(world, usage)
    writer = _Writer(out, SampleReport(out, out.with_name(out.name + ".key.json")), random.Random(seed))
    if format == "upstream":
        say("ordinary usage")
        add_bulk(world, usage, records, seed)
        add_vendor_totals(world, usage)
    for source, rows in world.records.items():
        say(source)
        writer.contract(source, rows)
        _expect_contract(usage, source, rows)
    for (source, month), rows in sorted(usage.records.items()):
        say(f"{source} {month:%Y-%m}")
        writer.usage(source, month, rows, format)
    if format == "flat":
        bulk = write_bulk_flat(out, world, records, seed, say, repeat_share=repeat_share, late_share=late_share)
        for source, made in bulk.items():
            fate = ("excluded", "contract_data") if source == "kustomer_conversations" else ("counted", "")
            usage.expected[(source, *fate)] += made.rows - made.repeats
            usage.expected[(source, *EXACT_COPY)] += made.repeats
            writer.report.rows[source] = writer.report.rows.get(source, 0) + made.rows
    malformed = add_malformed(out, world.months[0])
    for source, bad_rows, good_rows in malformed.rows:
        writer.report.rows[source] = writer.report.rows.get(source, 0) + bad_rows + good_rows
        usage.expected[(source, "quarantined", "malformed_row")] += bad_rows
    key = {
        "seed": seed,
        "months": [f"{month:%Y-%m}" for month in month_list],
        "rows": dict(sorted(writer.report.rows.items())),
        "expected_fates": [
            {"source": source, "fate": fate, "reason": reason, "records": count}
            for (source, fate, reason), count in sorted(usage.expected.items())
            if count
        ],
        "malformed_files": malformed.files,
        "traps": [asdict(trap) for trap in usage.traps],
    }
    writer.report.key_path.write_text(json.dumps(key, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return writer.report


def _expect_contract(usage: Usage, source: str, rows: list[dict[str, Any]]) -> None:
    if source == "storage_snapshots":
        # STO-02: of each environment, meter and month only the last snapshot decides.
        deciding = {(row["environment_id"], row["meter"], row["taken_at"][:7]): row["taken_at"] for row in rows}
        usage.expected[(source, "counted", "")] += len(deciding)
        usage.expected[(source, "excluded", "not_month_end")] += len(rows) - len(deciding)
        return
    fate = ("excluded", "contract_data")
    if source == "twilio_phone_numbers":
        fate = ("excluded", "reconciliation_only")
    elif source == "number_events":
        fate = ("excluded", "before_first_metered_month")
    usage.expected[(source, *fate)] += len(rows)


@dataclass
class _Writer:
    out: Path
    report: SampleReport
    rng: random.Random

    def contract(self, source: str, rows: list[dict[str, Any]]) -> None:
        if source == "twilio_phone_numbers":
            self._phone_pages(rows)
        else:
            self._csv(source, "all", rows)
        self._count(source, rows)

    def usage(self, source: str, month: date, rows: list[dict[str, Any]], format: str) -> None:
        self._count(source, rows)
        name = f"{month:%Y-%m}"
        if format == "flat" or source in ("translations", "number_events", "carrier_penalties"):
            self._csv(source, f"{name}_usage", rows, packed=source == "translations")
        elif source in shapes.PAGE_KEYS:
            # Half of a month as list pages, the rest as single resources, one per line.
            middle = len(rows) // 2
            pages = [rows[start : min(start + PAGE_SIZE, middle)] for start in range(0, middle, PAGE_SIZE)]
            for number, page in enumerate(pages):
                self._write(source, f"{name}_page{number:04d}.json", _json(shapes.twilio_page(source, page, number)))
            resources = (_json(shapes.twilio_resource(row)) for row in rows[middle:])
            self._write(source, f"{name}_resources.ndjson.gz", "".join(resources))
        elif source == "whatsapp_webhooks":
            lines = "".join(_json(body) for body in shapes.whatsapp_envelopes(rows, self.rng))
            self._write(source, f"{name}_posts.ndjson.gz", lines)
        elif source.startswith("kustomer"):
            lists = [rows[start : start + PAGE_SIZE] for start in range(0, len(rows), PAGE_SIZE)]
            lines = "".join(_json({"data": [shapes.json_api(source, row) for row in page]}) for page in lists)
            self._write(source, f"{name}_lists.ndjson", lines)
        else:
            for number, row in enumerate(rows):
                self._write(source, f"{name}_{number}.json", _json(shapes.analytics(source, row)))

    def _count(self, source: str, rows: list[dict[str, Any]]) -> None:
        self.report.rows[source] = self.report.rows.get(source, 0) + len(rows)

    def _phone_pages(self, rows: list[dict[str, Any]]) -> None:
        for day in sorted({row["snapshot_date"] for row in rows}):
            page = [row for row in rows if row["snapshot_date"] == day]
            name = f"{day}_page.json"
            # The day itself stands only in the manifest, as upstream pages carry none.
            text = _json(shapes.twilio_page("twilio_phone_numbers", page, 0) | {"uri": f"/numbers?day={day}"})
            self._write("twilio_phone_numbers", name, text)
            manifest = {"rows": len(page), "bytes": len(text.encode()), "extracted_on": day}
            path = self.out / "twilio_phone_numbers" / f"{name}.manifest.json"
            path.write_text(_json(manifest), encoding="utf-8")

    def _csv(self, source: str, name: str, rows: list[dict[str, Any]], *, packed: bool = False) -> None:
        columns = [spec_field.name for spec_field in SOURCES[source].fields]
        buffer = io.StringIO()
        table = csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="ignore")
        table.writeheader()
        table.writerows(shapes.flat(row) for row in rows)
        self._write(source, f"{name}.csv" + (".gz" if packed else ""), buffer.getvalue())

    def _write(self, source: str, name: str, text: str) -> None:
        folder = self.out / source
        folder.mkdir(parents=True, exist_ok=True)
        content = text.encode("utf-8")
        if name.endswith(".gz"):
            content = gzip.compress(content, compresslevel=5, mtime=0)
        (folder / name).write_bytes(content)
        self.report.files += 1


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"
