"""Lists of plain rows as tables of the UI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg

from orchestration.ingestion.landing import Receipt
from orchestration.publishing.changes import Moved
from orchestration.quality.verdict import Verdict

SHOWN = 200
SHOWN_CHECKS = 10


def table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """`rows` (at least one, equal keys) as a table; the first 200 of them."""
    records = [dg.TableRecord(dict(row)) for row in rows[:SHOWN]]
    return dg.TableMetadataValue(records, dg.TableSchema([dg.TableColumn(name) for name in rows[0]]))


def receipts_metadata(receipts: list[Receipt]) -> dict[str, Any]:
    """What became of the files of one source."""
    rows = [
        {
            "file": r.file_name,
            "status": r.status,
            "rows": r.rows_total,
            "accepted": r.rows_accepted,
            "quarantined": r.rows_quarantined,
            "reason": r.reason,
            "remedy": r.remedy,
        }
        for r in receipts
    ]
    return {
        "files": len(receipts),
        "rows_accepted": sum(r.rows_accepted for r in receipts),
        "rows_quarantined": sum(r.rows_quarantined for r in receipts),
        "refused": len([r for r in receipts if r.status == "refused"]),
        **({"receipts": table(rows)} if rows else {}),
    }


def moved_metadata(moved: list[Moved]) -> dict[str, Any]:
    """What moved since the release before."""
    return {
        "lines_moved": sum(row.lines for row in moved),
        **({"moved": table([asdict(row) for row in moved])} if moved else {}),
    }


def failed_metadata(verdict: Verdict) -> dict[str, Any]:
    """The first checks that failed, a line each with what to do: a table of them is wider than the page."""
    told = {}
    for number, check in enumerate(verdict.failed[:SHOWN_CHECKS], start=1):
        keys = f" ({'; '.join(check.failing_keys)})" if check.failing_keys else ""
        told[f"failed_{number}"] = f"{check.name} on {check.subject}: {check.observed}{keys}. {check.remedy}"
    return told
