"""Files as they arrive: once each, refused with a remedy, rows in one place."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestration import duck
from orchestration.ingestion import landing, receipts
from orchestration.ingestion.landed_content import new_content
from orchestration.ingestion.landing import anything_new, ingest_landing, landed_paths
from orchestration.ingestion.landing_folder import LandingMissing
from orchestration.settings import Settings

Land = Callable[[str, str, "str | bytes"], Path]
HEADER = "translation_id,org_id,target_lang,character_count,status,completed_at\n"
ROW = "t1,o1,de,23,completed,2024-11-05T10:00:00+01:00\n"


def rows(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duck.connect(settings.warehouse_path, settings) as connection:
        return connection.execute(query).fetchall()


def test_an_offset_is_honoured(settings: Settings, land: Land) -> None:
    land("translations", "a.csv", HEADER + ROW)
    ingest_landing(settings)
    assert rows(settings, "select completed_at::varchar from raw.translations") == [("2024-11-05 09:00:00",)]


def test_the_same_content_under_another_name_does_nothing_and_says_so(settings: Settings, land: Land) -> None:
    land("translations", "a.csv", HEADER + ROW)
    assert ingest_landing(settings).batch == 1
    land("translations", "b.csv", HEADER + ROW)
    again = ingest_landing(settings)
    assert again.batch is None
    assert [receipt.status for receipt in again.receipts] == ["duplicate_file"]
    assert rows(settings, "select count(*) from raw.translations") == [(1,)]


def test_files_entered_in_several_lots_are_entered_once_each(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "FILES_AT_ONCE", 2)
    for number in range(5):
        land("translations", f"{number}.csv", HEADER + ROW.replace("t1", f"t{number}"))
    assert ingest_landing(settings).batch == 1
    names = [(f"{number}.csv",) for number in range(5)]
    assert rows(settings, "select file_name from raw.receipts order by 1") == names
    assert rows(settings, "select count(*) from ops.parts") == [(5,)]


def test_nothing_is_booked_before_its_part_is_on_disk(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError("No space left on device")

    land("translations", "a.csv", HEADER + ROW)
    with monkeypatch.context() as patched:
        patched.setattr(receipts, "make_durable", full)
        with pytest.raises(OSError, match="No space left"):
            ingest_landing(settings)
    assert rows(settings, "select count(*) from raw.receipts") == [(0,)]
    assert len(ingest_landing(settings).with_status("accepted")) == 1


def test_an_unchanged_folder_is_not_read_again(settings: Settings, land: Land) -> None:
    land("translations", "a.csv", HEADER + ROW)
    ingest_landing(settings)
    again = ingest_landing(settings)
    assert (again.receipts, again.unchanged_files) == ([], 1)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("t1,o1,de,-5,completed,2024-11-05T10:00:00Z", "character_count"),
        ("t1,o1,de,1.5,completed,2024-11-05T10:00:00Z", "character_count"),
        ("t1,o1,de,5,completed,2024-11-05T10:00:00", "completed_at"),  # bare local time
        ("t1,o1,de,5,completed,2024-02-30T10:00:00Z", "completed_at"),
        (",o1,de,5,completed,2024-11-05T10:00:00Z", "translation_id"),
    ],
)
def test_a_bad_row_is_quarantined_by_field_and_the_rest_goes_on(
    settings: Settings, land: Land, value: str, field: str
) -> None:
    land("translations", "a.csv", HEADER + value + "\n" + ROW)
    report = ingest_landing(settings)
    assert (report.receipts[0].rows_accepted, report.receipts[0].rows_quarantined) == (1, 1)
    ((found, row_number, remedy),) = rows(settings, "select field, row_number, remedy from raw.quarantine")
    assert (found, row_number) == (field, 1)
    assert remedy


def test_a_short_csv_row_does_not_take_the_file_with_it(settings: Settings, land: Land) -> None:
    land("translations", "a.csv", HEADER + "t0,o1\n" + ROW)
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.status, receipt.rows_accepted, receipt.rows_quarantined) == ("accepted", 1, 1)


def test_every_line_that_is_no_record_is_quarantined_however_many_there_are(settings: Settings, land: Land) -> None:
    land("translations", "a.ndjson", "no record\n" * 250)
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.rows_accepted, receipt.rows_quarantined) == (0, 250)
    assert rows(settings, "select row_number from raw.quarantine order by 1") == [(n,) for n in range(1, 251)]


def test_a_file_packed_in_several_pieces_is_read_to_its_end(settings: Settings, land: Land) -> None:
    """As `cat a.gz b.gz` gives, and what packs side by side."""
    pieces = (HEADER + ROW, ROW.replace("t1", "t2"), ROW.replace("t1", "t3"))
    land("translations", "a.csv.gz", b"".join(gzip.compress(piece.encode(), mtime=0) for piece in pieces))
    ingest_landing(settings)
    found = rows(settings, "select translation_id from raw.translations order by 1")
    assert found == [("t1",), ("t2",), ("t3",)]


PACKED = gzip.compress((HEADER + ROW * 50).encode(), mtime=0)


@pytest.mark.parametrize(
    ("source", "name", "content", "reason"),
    [
        ("translations", "bad name.csv", HEADER, "not allowed"),
        ("translations", "rows.xml", HEADER, "unknown file format"),
        ("translations", "cut.csv.gz", PACKED[:40], "truncated"),
        ("translations", "crc.csv.gz", PACKED[:-8] + b"\0" * 8, "corrupt"),
        ("translations", "latin.csv", HEADER.encode() + b"\xe9\n", "UTF-8"),
        ("translations", "nul.csv", HEADER.encode() + b"a\0b\n", "NUL"),
        ("translations", "empty.csv", "", "empty"),
        ("translations", "renamed.csv", HEADER.replace("org_id", "org"), "'org_id'"),
        ("translations", "twice.csv", HEADER.replace("org_id", "org_id,org_id"), "twice"),
        ("translations", "semicolons.csv", HEADER.replace(",", ";"), "separated by ';'"),
        ("translations", "tabs.csv", HEADER.replace(",", "\t"), r"separated by '\t'"),
        ("translations", "not.parquet", b"PAR1 no", "Parquet"),
        ("unheard_of", "rows.csv", HEADER, "not a source"),
        ("twilio_calls", "page.json", '{"messages": []}', "page of messages"),
        ("twilio_calls", "one.json", '{"sid": "SM' + "0" * 32 + '"}', "sid SM"),
        ("kustomer_messages", "one.json", '{"data": {"type": "customer", "attributes": {}}}', "customer"),
        ("whatsapp_webhooks", "post.json", '{"object": "page", "entry": []}', "page"),
        ("twilio_calls", "nan.json", '{"sid": NaN}', "NaN"),
    ],
)
def test_a_refused_file_stops_nothing_and_says_what_to_do(
    settings: Settings, land: Land, source: str, name: str, content: str | bytes, reason: str
) -> None:
    land(source, name, content)
    land("translations", "good.csv", HEADER + ROW)
    report = ingest_landing(settings)
    assert report.batch == 1
    (refused,) = report.findings
    assert reason in refused.reason
    assert refused.remedy
    assert rows(settings, "select source, file_name from raw.file_findings") == [(source, name)]


def _findings(settings: Settings) -> list[tuple[Any, ...]]:
    return rows(settings, "select source, file_name from raw.file_findings order by all")


def test_a_refused_file_that_was_renamed_deleted_or_moved_away_is_no_finding_any_more(
    settings: Settings, land: Land, tmp_path: Path
) -> None:
    stays = land("translations", "broken.csv", "no header of ours\n")
    misnamed = land("translations", "bad name.csv", HEADER + ROW)
    land("unheard_of", "rows.csv", HEADER)
    folder = settings.landing / "translations" / "folder.csv"
    folder.mkdir()
    stray = settings.landing / "stray.csv"
    stray.write_text(HEADER)
    ingest_landing(settings)
    told = [("", "stray.csv"), ("translations", "bad name.csv"), ("translations", "broken.csv")]
    told += [("translations", "folder.csv"), ("unheard_of", "rows.csv")]
    assert _findings(settings) == told
    assert not anything_new(settings)

    stray.unlink()
    assert anything_new(settings)
    assert ingest_landing(settings).withdrawn_findings == 1
    assert _findings(settings) == told[1:]
    assert not anything_new(settings)

    misnamed.rename(misnamed.with_name("good_name.csv"))
    (settings.landing / "unheard_of").rename(tmp_path / "elsewhere")
    folder.rmdir()
    report = ingest_landing(settings)
    assert [r.file_name for r in report.with_status("accepted")] == ["good_name.csv"]
    assert report.withdrawn_findings == 3
    assert _findings(settings) == [("translations", stays.name)]
    assert not anything_new(settings)


def test_a_refused_file_that_comes_back_is_refused_again(settings: Settings, land: Land, tmp_path: Path) -> None:
    """Also where it looks as it did: size and time are those of before."""
    stray = land("translations", "broken.csv", "no header of ours\n")
    ingest_landing(settings)
    away = stray.rename(tmp_path / "away.csv")
    ingest_landing(settings)
    assert _findings(settings) == []
    away.rename(stray)
    assert anything_new(settings)
    ingest_landing(settings)
    assert _findings(settings) == [("translations", "broken.csv")]


def test_a_refused_file_delivered_right_under_its_name_is_no_finding_any_more(settings: Settings, land: Land) -> None:
    land("translations", "a.csv", "no header of ours\n")
    ingest_landing(settings)
    assert _findings(settings) == [("translations", "a.csv")]
    land("translations", "a.csv", "no header of ours either\n")
    ingest_landing(settings)
    assert _findings(settings) == [("translations", "a.csv")]
    land("translations", "a.csv", HEADER + ROW)
    ingest_landing(settings)
    assert _findings(settings) == []


def test_a_landing_that_is_missing_takes_no_finding_back(settings: Settings, land: Land, tmp_path: Path) -> None:
    land("translations", "broken.csv", "no header of ours\n")
    ingest_landing(settings)
    away = settings.landing.rename(tmp_path / "unmounted")
    for look in (anything_new, ingest_landing):
        with pytest.raises(LandingMissing):
            look(settings)
    assert _findings(settings) == [("translations", "broken.csv")]
    away.rename(settings.landing)
    assert not anything_new(settings)


def test_links_are_not_followed(settings: Settings, land: Land, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere.csv"
    secret.write_text(HEADER + ROW)
    land("translations", "good.csv", HEADER + ROW)
    (settings.landing / "translations" / "link.csv").symlink_to(secret)
    (refused,) = ingest_landing(settings).findings
    assert "link" in refused.reason


def test_a_source_folder_that_is_a_link_is_told_as_one(settings: Settings, land: Land, tmp_path: Path) -> None:
    """It was told as no source, with the advice to use a folder of the very name it had."""
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "a.csv").write_text(HEADER + ROW)
    land("tenants", "a.csv", "tenant_id,name\nt,T\n")
    (settings.landing / "translations").symlink_to(tmp_path / "share")
    (refused,) = ingest_landing(settings).findings
    assert "the folder translations is a link" in refused.reason
    assert "put the files themselves into it" in refused.remedy
    assert rows(settings, "select count(*) from raw.translations") == [(0,)]


def test_names_that_are_no_text_stop_nothing(settings: Settings, land: Land) -> None:
    """A file system takes any bytes as a name (latin-1 from an old archive): it stopped the run."""
    land("translations", "good.csv", HEADER + ROW)
    for place in (b"translations/\xe9t\xe9.csv", b"translations/\xe9.csv.part", b"translations/\xe9", b"\xe9"):
        odd = settings.landing / os.fsdecode(place)
        if place.endswith((b"csv", b"part")):
            odd.write_text(HEADER + ROW)
        else:
            odd.mkdir()
            (odd / os.fsdecode(b"\xe9.csv")).write_text(HEADER + ROW)
    shown: list[str] = []
    found = {r.file_name: r for r in ingest_landing(settings, lambda name, *_: shown.append(name)).receipts}
    assert found["good.csv"].status == "accepted"
    assert "not allowed" in found["\\udce9t\\udce9.csv"].reason
    assert "is a folder" in found["\\udce9"].reason
    assert "not a source" in found["\\udce9.csv"].reason
    assert found["\\udce9.csv.part"].status == "waiting"
    "".join([*shown, *(r.reason + r.remedy for r in found.values())]).encode()
    again = ingest_landing(settings)
    assert (again.unchanged_files, [r.status for r in again.receipts]) == (4, ["waiting"])
    assert new_content(settings, {}).files == []
    for _, path in landed_paths(settings):
        if path.is_file() and path.name != "good.csv":
            path.unlink()
    assert ingest_landing(settings).withdrawn_findings == 2


def test_a_folder_within_a_source_is_refused_with_the_names_of_its_files(settings: Settings, land: Land) -> None:
    for number in range(7):
        land("translations/2024-11", f"f{number}.csv", HEADER + ROW)
    (refused,) = ingest_landing(settings).findings
    assert "f0.csv, f1.csv, f2.csv, f3.csv, f4.csv and 2 more" in refused.reason
    assert "translations" in refused.remedy


def test_files_over_the_size_and_expansion_limits_are_refused(settings: Settings, land: Land) -> None:
    land("translations", "bomb.csv.gz", gzip.compress(b"0" * 30_000_000, mtime=0))
    land("translations", "big.csv", HEADER + ROW * 2000)
    report = ingest_landing(replace(settings, max_file_bytes=50_000))
    reasons = " ".join(receipt.reason for receipt in report.findings)
    assert "expands to more than" in reasons
    assert "more than the limit" in reasons


def test_a_file_as_large_as_the_limit_is_taken_in(settings: Settings, land: Land) -> None:
    land("translations", "a.csv", HEADER + ROW)
    limited = replace(settings, max_file_bytes=len(HEADER + ROW))
    assert [r.status for r in ingest_landing(limited).receipts] == ["accepted"]


CONTENT = (HEADER + ROW).encode()


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ({"rows": 2}, {"rows": 1}),
        ({"bytes": len(CONTENT) + 1}, {"bytes": len(CONTENT)}),
        ({"bytes": len(CONTENT) - 1}, {"bytes": len(CONTENT)}),
        ({"sha256": "0" * 64}, {"sha256": hashlib.sha256(CONTENT).hexdigest().upper()}),
    ],
)
def test_a_file_whose_manifest_does_not_match_yet_waits(
    settings: Settings, land: Land, said: dict[str, object], right: dict[str, object]
) -> None:
    land("translations", "a.csv", CONTENT)
    land("translations", "a.csv.manifest.json", json.dumps(said))
    assert [r.status for r in ingest_landing(settings).receipts] == ["waiting"]
    # Nothing of it is there for a build to find.
    assert rows(settings, "select count(*) from raw.translations") == [(0,)]
    land("translations", "a.csv.manifest.json", json.dumps(right))
    assert [r.status for r in ingest_landing(settings).receipts] == ["accepted"]


def test_a_manifest_that_begins_with_a_mark_of_its_encoding_is_read(settings: Settings, land: Land) -> None:
    land("translations", "a.csv", CONTENT)
    land("translations", "a.csv.manifest.json", b"\xef\xbb\xbf" + json.dumps({"bytes": len(CONTENT)}).encode())
    assert [r.status for r in ingest_landing(settings).receipts] == ["accepted"]


@pytest.mark.parametrize(
    ("name", "head", "row"),
    [
        ("a.csv", "invoice_number,paid_at,amount\n", "X-{n},2024-11-30T00:00:00Z,1.5\n"),
        ("a.ndjson", "", '{{"invoice_number": "X-{n}", "paid_at": "2024-11-30T00:00:00Z", "amount": "1.5"}}\n'),
    ],
)
def test_a_file_written_to_while_it_is_taken_in_waits(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch, name: str, head: str, row: str
) -> None:
    """Its receipt would name the hash of other content, and the next run take its first rows in once more."""
    path = land("payments", name, head + row.format(n=1))
    checked_as_it_was = landing.check_file

    def check_then_write(*arguments: Any) -> Any:
        checked = checked_as_it_was(*arguments)
        with path.open("a", encoding="utf-8") as producer:
            producer.write(row.format(n=2))
        return checked

    with monkeypatch.context() as patched:
        patched.setattr(landing, "check_file", check_then_write)
        (receipt,) = ingest_landing(settings).receipts
    assert (receipt.status, receipt.reason) == ("waiting", f"{name} was written to while it was being read")
    assert [(r.status, r.rows_total) for r in ingest_landing(settings).receipts] == [("accepted", 2)]
    assert rows(settings, "select invoice_number from raw.payments order by 1") == [("X-1",), ("X-2",)]


@pytest.mark.parametrize("bad_row", ["", "t2,o1\n"])
def test_a_path_may_hold_braces(tmp_path: Path, bad_row: str) -> None:
    """It was taken for a place to fill in, and the run ended in a traceback."""
    braced = Settings(home=tmp_path / "h{o}me", landing=tmp_path / "pl{a}in", memory_limit="1GB")
    folder = braced.landing / "translations"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text(HEADER + ROW + bad_row, encoding="utf-8")
    assert [r.rows_accepted for r in ingest_landing(braced).receipts] == [1]
    assert rows(braced, "select translation_id from raw.translations") == [("t1",)]


def test_equal_pages_of_two_days_are_two_snapshots(settings: Settings, land: Land) -> None:
    """The day stands in the manifest alone; a copy with its manifest is still the same file."""
    number = {"sid": "PN" + "a" * 32, "account_sid": "AC" + "b" * 32, "phone_number": "+15551230001"}
    page = json.dumps({"incoming_phone_numbers": [number | {"date_created": "Fri, 01 Nov 2024 00:00:00 +0000"}]})
    for name, day in (("a", "2024-11-10"), ("b", "2024-11-11"), ("copy", "2024-11-11")):
        land("twilio_phone_numbers", f"{name}.json", page)
        land("twilio_phone_numbers", f"{name}.json.manifest.json", json.dumps({"extracted_on": day}))
    assert len(new_content(settings, {}).files) == 3
    receipts = ingest_landing(settings).receipts
    assert [r.status for r in receipts] == ["accepted", "accepted", "duplicate_file"]
    found = "select snapshot_date::varchar, file_sha256 from raw.twilio_phone_numbers order by 1"
    assert rows(settings, found) == [
        ("2024-11-10", receipts[0].file_sha256),
        ("2024-11-11", receipts[1].file_sha256),
    ]
    # Touched, they are known again; of another day, the page is new.
    (settings.landing / "twilio_phone_numbers" / "b.json").touch()
    land("twilio_phone_numbers", "c.json", page)
    land("twilio_phone_numbers", "c.json.manifest.json", json.dumps({"extracted_on": "2024-11-12"}))
    looked = new_content(settings, {})
    assert (looked.files, looked.known_again) == ([("twilio_phone_numbers", "c.json")], 1)


@pytest.mark.parametrize("said", [{"bytes": "many"}, {"rows": None}, {"rows": 1.5}, {"bytes": [1]}])
def test_a_manifest_that_counts_in_no_numbers_keeps_its_own_file_waiting(
    settings: Settings, land: Land, said: dict[str, object]
) -> None:
    """It stopped the whole run."""
    land("translations", "a.csv", HEADER + ROW)
    land("translations", "a.csv.manifest.json", json.dumps(said))
    land("translations", "b.csv", HEADER + ROW.replace("t1", "t2"))
    found = {receipt.file_name: receipt for receipt in ingest_landing(settings).receipts}
    assert (found["a.csv"].status, found["b.csv"].status) == ("waiting", "accepted")
    assert "which is not a whole number" in found["a.csv"].reason
    land("translations", "a.csv.manifest.json", json.dumps({"rows": 1}))
    assert [r.status for r in ingest_landing(settings).receipts if r.file_name == "a.csv"] == ["accepted"]


@pytest.mark.parametrize("said", [b"\xff", b"[" * 100_000, b"{", b""])
def test_a_manifest_that_is_no_json_keeps_its_own_file_waiting(settings: Settings, land: Land, said: bytes) -> None:
    """One nested without end stopped the whole run."""
    land("translations", "a.csv", HEADER + ROW)
    land("translations", "a.csv.manifest.json", said)
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.status, "cannot be read yet" in receipt.reason) == ("waiting", True)


def test_json_numbers_keep_every_digit(settings: Settings, land: Land) -> None:
    penalty = (
        '{"notice_id": "n", "phone_number": "+12125550100", "amount": 9876543210.123456, '
        '"currency_code": "USD", "violated_at": "2024-11-01T00:00:00Z", "posted_at": "2024-11-01T00:00:00Z", '
        '"status": "open", "status_at": "2024-11-01T00:00:00Z"}'
    )
    land("carrier_penalties", "one.ndjson", penalty + "\n")
    ingest_landing(settings)
    assert rows(settings, "select amount::varchar from raw.carrier_penalties") == [("9876543210.123456",)]


def test_a_record_that_names_a_key_twice_is_quarantined(settings: Settings, land: Land) -> None:
    call = {"account_sid": "AC1", "status": "completed", "date_created": "Tue, 01 Oct 2024 10:00:00 +0000"}
    lines = [json.dumps({"sid": f"CA{number}", "duration": "60", **call}) for number in range(4)]
    lines[1] = lines[1].replace('"duration": "60"', '"duration": "60", "duration": "6000"')
    # What is not read of a record may say anything.
    lines[2] = lines[2].replace('"duration": "60"', '"duration": "60", "note": "a", "note": "b"')
    land("twilio_calls", "calls.ndjson", "\n".join(lines) + "\n")
    ingest_landing(settings)
    assert rows(settings, "select sid, duration from raw.twilio_calls order by sid") == [
        *(("CA0", 60), ("CA2", 60), ("CA3", 60)),
    ]
    assert rows(settings, "select row_number, reason from raw.quarantine") == [
        (2, "line is not a record: names 'duration' twice"),
    ]


def test_a_document_that_names_a_key_twice_is_refused(settings: Settings, land: Land) -> None:
    land("twilio_calls", "call.json", '{"sid": "CA1", "sid": "CA2", "account_sid": "AC1", "status": "completed"}')
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.status, receipt.reason) == ("refused", "the document names 'sid' twice")


def test_upstream_and_flat_forms_give_the_same_rows(settings: Settings, land: Land) -> None:
    resource = {
        "sid": "CA" + "1" * 32,
        "account_sid": "AC1",
        "from": "+13105550100",
        "to": "+12125550100",
        "direction": "inbound",
        "status": "completed",
        "start_time": "Sat, 30 Nov 2024 23:59:59 +0100",
        "duration": "61",
        "date_created": "Sat, 30 Nov 2024 23:59:58 +0100",
    }
    land("twilio_calls", "page.json", json.dumps({"calls": [resource]}))
    land("twilio_calls", "lines.ndjson.gz", gzip.compress(json.dumps(resource).encode() + b"\n", mtime=0))
    land(
        "twilio_calls",
        "flat.csv",
        ",".join(resource) + "\n" + ",".join(f'"{v}"' for v in resource.values()) + "\n",
    )
    assert len(ingest_landing(settings).with_status("accepted")) == 3
    assert rows(settings, 'select distinct sid, "from", start_time::varchar, duration from raw.twilio_calls') == [
        ("CA" + "1" * 32, "+13105550100", "2024-11-30 22:59:59", 61)
    ]


def test_a_part_without_a_receipt_is_removed(settings: Settings, land: Land) -> None:
    land("translations", "a.csv", HEADER + ROW)
    ingest_landing(settings)
    part = next(p for p in (settings.raw_dir / "translations").iterdir() if "b000001" in p.name)
    orphan = part.with_name("b000009_" + "0" * 64 + ".parquet")
    orphan.write_bytes(part.read_bytes())
    ingest_landing(settings)
    assert not orphan.exists()
    assert rows(settings, "select count(*) from raw.translations") == [(1,)]


def test_a_clean_file_and_one_with_a_bad_row_give_the_same_good_rows(settings: Settings, land: Land) -> None:
    lines = "".join(f"t{n}, o{n} ,de,{n},completed,2024-11-05T10:00:00+01:00\n" for n in range(5_000))
    land("translations", "clean.csv", HEADER + lines)
    land("translations", "bad.csv", HEADER + lines + ",,,,,\n")
    columns = HEADER.strip().replace(",", "|").split("|")
    land(
        "translations",
        "clean.ndjson",
        "".join(json.dumps(dict(zip(columns, line.split(","), strict=True))) + "\n" for line in lines.splitlines()),
    )
    report = ingest_landing(settings)
    assert [(r.rows_accepted, r.rows_quarantined) for r in report.receipts] == [(5000, 1), (5000, 0), (5000, 0)]
    found = [
        rows(
            settings,
            f"select * exclude (file_sha256, part_number) from raw.translations where part_number = {n} order by 1",
        )
        for n in (1, 2, 3)
    ]
    assert found[0] == found[1] == found[2]
    assert rows(
        settings,
        "select distinct row_number - substr(translation_id, 2)::bigint, org_id like '% %' from raw.translations",
    ) == [(1, False)]
