"""Files and rows of the sample that must be refused or quarantined, each broken in one way."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path


@dataclass
class Malformed:
    """`files`: refused files with what is wrong; `rows`: (source, bad rows, good rows) of readable files."""

    files: list[dict[str, str]] = field(default_factory=list)
    rows: list[tuple[str, int, int]] = field(default_factory=list)


def add_malformed(out: Path, month: date) -> Malformed:
    """Write the broken files of one month into the landing folder `out`."""
    made = Malformed()
    day = f"{month:%Y-%m}-05"

    def refuse(source: str, name: str, content: bytes, what: str) -> None:
        (out / source).mkdir(parents=True, exist_ok=True)
        (out / source / name).write_bytes(content)
        made.files.append({"source": source, "file": name, "what": what})

    header = "translation_id,org_id,target_lang,character_count,status,requested_at,completed_at,updated_at\n"
    refuse("twilio_calls", "broken_document.json", b'{"calls": [{"sid": "CA1"}, ... ]}\n', "invalid JSON")
    refuse("twilio_calls", "messages_by_mistake.json", b'{"messages": [], "page": 0}\n', "wrong resource type")
    refuse(
        "translations",
        "renamed_column.csv",
        header.replace("org_id", "organisation").encode(),
        "header mismatch",
    )
    packed = gzip.compress(header.encode() * 200, mtime=0)
    refuse("translations", "cut_off.csv.gz", packed[: len(packed) // 2], "truncated gzip")
    refuse("translations", "latin1.csv", header.encode() + b"trl_\xe9,x,de,1,completed,,,\n", "invalid UTF-8")
    refuse("translations", "bad name.csv", header.encode(), "bad file name")

    rows = [
        f"trl_bad_1,o,de,12,completed,{day}T10:00:00,{day}T10:00:00,",  # bare local time
        f"trl_bad_2,o,de,-5,completed,{day}T10:00:00Z,{day}T10:00:00Z,",  # negative count
        f"trl_bad_3,o,de,12,completed,{day}T10:00:00Z,2024-02-30T10:00:00Z,",  # 30 February
        f",o,de,12,completed,{day}T10:00:00Z,{day}T10:00:00Z,",  # no id
        "trl_bad_5,o,de",  # too few values
    ]
    (out / "translations" / "bad_rows.csv").write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
    made.rows.append(("translations", len(rows), 0))
    lines = '{"sid": "CAbad1", "account_sid": "AC1", "status": "completed"}\n{"sid": "CAbad2", \n'
    (out / "twilio_calls").mkdir(parents=True, exist_ok=True)
    (out / "twilio_calls" / "bad_lines.ndjson").write_text(lines, encoding="utf-8")
    made.rows.append(("twilio_calls", 2, 0))
    return made
