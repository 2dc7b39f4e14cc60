"""GEN-05 for CSV: a quote out of place costs the line it stands in; no line below is lost or left uncounted."""

from __future__ import annotations

import csv
import gzip
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration import duck
from orchestration.ingestion.csv_records import read_csv
from orchestration.ingestion.landing import ingest_landing
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings

Land = Callable[[str, str, "str | bytes"], Path]
COLUMNS = [
    "translation_id",
    "org_id",
    "user_id",
    "target_lang",
    "character_count",
    "status",
    "completed_at",
    "source_lang",
]
HEADER = ",".join(COLUMNS) + "\n"


def row(number: int, user: str = "u", note: str = "n") -> str:
    return f"t{number},o1,{user},de,{number},completed,2024-11-05T10:00:00Z,{note}\n"


def read(path: Path, content: str) -> list[tuple[str | None, int, str]]:
    """(translation_id, lines, '') of each row, (None, 1, its text) of each bad line, in the file's order."""
    path.write_bytes((HEADER + content).encode())
    found = []
    for record, _, text in read_csv(SOURCES["translations"], path, COLUMNS, {name: name for name in COLUMNS}):
        spanned = 1 + sum((value or "").count("\n") for value in (record or {}).values())
        found.append((None if record is None else str(record["translation_id"]), spanned, text))
    return found


def quarantine(settings: Settings) -> list[tuple[object, ...]]:
    with duck.connect(settings.warehouse_path, settings) as connection:
        return connection.execute("select row_number, raw_text, reason from raw.quarantine order by 1").fetchall()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_quote_nobody_closes_costs_its_own_line(settings: Settings, land: Land, packed: bool, ending: str) -> None:
    bad = row(2, user='"u')
    content = (HEADER + row(1) + bad + "".join(map(row, range(3, 23)))).replace("\n", ending).encode()
    land("translations", "a.csv.gz" if packed else "a.csv", gzip.compress(content) if packed else content)
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.rows_total, receipt.rows_accepted, receipt.rows_quarantined) == (22, 21, 1)
    ((number, text, reason),) = quarantine(settings)
    assert (number, text) == (2, bad.strip())
    assert "quote" in str(reason)
    with duck.connect(settings.warehouse_path, settings) as connection:
        wrong = "select count(*) from raw.translations where translation_id != 't' || row_number"
        assert connection.execute(wrong).fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("damaged", "reasons"),
    [
        ({2: row(2, user='"u'), 9: row(9, user='u"')}, ["whole rows would be part", ""]),
        ({2: row(2, user='"u'), 3: row(3, user='u"')}, ["whole rows would be part", ""]),
        ({2: row(2).replace("completed,", 'completed,"'), 9: row(9, note='n"')}, ["7 values", ""]),
        ({2: row(2, note='"n'), 9: row(9, user='u",7')}, ["values, but the header has 8", "row has 9 values"]),
        ({22: row(22, note='"n')}, ["unexpected end of data"]),
        ({22: row(22, note='"n').strip()}, ["unexpected end of data"]),
        ({5: row(5, user='"u"u')}, ["expected after"]),
    ],
)
def test_quotes_that_close_one_another_take_no_row_between(
    settings: Settings, land: Land, damaged: dict[int, str], reasons: list[str]
) -> None:
    land("translations", "a.csv", HEADER + "".join(damaged.get(n, row(n)) for n in range(1, 23)))
    (receipt,) = ingest_landing(settings).receipts
    held = [n for n, reason in zip(damaged, reasons, strict=True) if reason]
    assert (receipt.rows_total, receipt.rows_quarantined) == (22, len(held))
    found = quarantine(settings)
    assert [(number, text) for number, text, _ in found] == [(n, damaged[n].strip()) for n in held]
    assert all(part in str(reason) for part, (_, _, reason) in zip(filter(None, reasons), found, strict=True))


def test_values_that_span_lines_go_on_being_one(settings: Settings, land: Land) -> None:
    values = ["1 Main St\nSpringfield, IL\n\nUSA", 'the "best"\r\n', "\n,", ",\n"]
    content = "".join(row(n, user='"' + value.replace('"', '""') + '"') for n, value in enumerate(values))
    land("translations", "clean.csv", HEADER + content)
    land("translations", "damaged.csv", HEADER + row(9, user='"u') + content)
    report = ingest_landing(settings)
    assert [(r.rows_total, r.rows_accepted) for r in report.receipts] == [(4, 4), (5, 4)]
    with duck.connect(settings.warehouse_path, settings) as connection:
        for part in (1, 2):
            found = connection.execute(
                f"select user_id, row_number from raw.translations where part_number = {part} order by row_number"
            ).fetchall()
            assert found == [(value.strip(" "), n + part) for n, value in enumerate(values)]


USERS = st.sampled_from(["u", "", '""', '"a,b"', '","', '"say ""so"""', '"x\ny"', '"\n"', '",\n,"', '"a\nb,c,d\ne"'])
DAMAGE = st.lists(st.tuples(st.integers(0, 11), st.lists(st.integers(0, 60), min_size=1, max_size=3)), max_size=5)


@given(st.lists(st.tuples(USERS, USERS), min_size=1, max_size=12), DAMAGE)
@example([("u", "u")] * 12, [(1, [6]), (8, [7])])
@hypothesis_settings(max_examples=400, deadline=None)
def test_every_line_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, str]], damage: list[tuple[int, list[int]]]
) -> None:
    """Whatever quotes are put where: every good row that is one line is read, once; every line has its place.

    A row of several lines is read as well unless the line above it, or itself, was damaged.
    """
    good = [row(number, user, note) for number, (user, note) in enumerate(values)]
    damaged: dict[int, str] = {}
    for place, positions in damage:
        if place < len(good):
            text = damaged.get(place, good[place])
            for position in positions:
                text = text[: min(position, len(text) - 1)] + '"' + text[min(position, len(text) - 1) :]
            damaged[place] = text
    content = "".join(damaged.get(n, text) for n, text in enumerate(good))
    path = tmp_path_factory.getbasetemp() / "quotes.csv"
    found = read(path, content)
    times_read = Counter(key for key, _, _ in found)
    for number, text in enumerate(good):
        is_near = number in damaged or (text.count("\n") > 1 and number - 1 in damaged)
        assert is_near or times_read[f"t{number}"] == 1, number
    # Rows and bad lines, one after the other, are the file: nothing is left out, nothing is told twice.
    lines = content.split("\n")[:-1]
    for key, count, text in found:
        assert key is not None or lines[0] == text
        del lines[:count]
    assert lines == []


def test_any_damage_is_accounted_for_by_the_receipts(settings: Settings, land: Land) -> None:
    """40 files of one-line rows: as many rows as lines, and each good line read once."""
    chance = random.Random(20241130)
    wanted = {}
    for number in range(40):
        texts = [row(n, user=chance.choice(["u", '"a,b"', '""'])) for n in range(30)]
        damaged = chance.sample(range(30), chance.randint(0, 4))
        for place in damaged:
            at = chance.randrange(len(texts[place]))
            texts[place] = texts[place][:at] + '"' + texts[place][at:]
        land("translations", f"f{number:03}.csv", HEADER + "".join(texts))
        wanted[f"f{number:03}.csv"] = {f"t{n}" for n in range(30)} - {f"t{n}" for n in damaged}
    receipts = {receipt.file_name: receipt for receipt in ingest_landing(settings).receipts}
    with duck.connect(settings.warehouse_path, settings) as connection:
        for name, ids in wanted.items():
            receipt = receipts[name]
            part = connection.execute(
                f"select translation_id from raw.translations where part_number = {receipt.part_number}"
            ).fetchall()
            assert Counter(key for (key,) in part if key in ids) == Counter(ids), name
            assert receipt.rows_accepted + receipt.rows_quarantined == receipt.rows_total == 30, name


@pytest.mark.parametrize(
    "line", ['a",b,"c\n', 'x,"y\n', ',"\n', 'a","\n', '"""\n', 'a"",",\n', 'a",b,"' + "c" * 999 + "\n"]
)
def test_quotes_in_every_line_cost_no_more_than_the_lines(tmp_path: Path, line: str) -> None:
    sizes = (5_000_000 // 200 // len(line), 5_000_000 // 20 // len(line))
    taken = []
    for size in sizes:
        begun = time.process_time()
        found = read(tmp_path / "hostile.csv", line * size + row(1))
        taken.append(time.process_time() - begun)
        assert found[-1][0] == "t1"
        assert len(found) == size + 1
    assert taken[1] < 40 * taken[0] + 1


def test_a_file_that_quotes_everything_is_read_by_the_engine(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoted = "".join('"' + line.replace(",", '","') + '"\n' for line in map(str.strip, map(row, range(50))))
    land("translations", "a.csv", HEADER + quoted)
    land("translations", "b.csv", (HEADER + quoted).replace("\n", "\r\n").strip())
    monkeypatch.setattr(csv, "reader", lambda *_, **__: iter([COLUMNS]))
    assert [r.rows_accepted for r in ingest_landing(settings).receipts] == [50, 50]


@pytest.mark.parametrize("end", ["", '""'])
@pytest.mark.parametrize("others", ["", "t9,x\n", '"t3","Beta, Ltd",EUR,"Say ""so""",\n', "t4,Beta,EUR,,\n"])
def test_a_value_too_many_holds_its_row_back_though_it_is_empty(
    settings: Settings, land: Land, others: str, end: str
) -> None:
    """An unquoted comma in a name shifts the values behind it; the engine drops the empty one that is then too many."""
    header = "tenant_id,name,billing_currency,bill_to_name,updated_at\n"
    land("tenants", "a.csv", f"{header}t1,Acme, Inc.,USD,,{end}\nt2,Beta,EUR,Beta Ltd,{end}\n{others}")
    ingest_landing(settings)
    assert ("row has 6 values, but the header has 5 columns", 1) in [
        (reason, n) for n, _, reason in quarantine(settings)
    ]
    with duck.connect(settings.warehouse_path, settings) as connection:
        found = connection.execute("select name, billing_currency from raw.tenants where tenant_id < 't3'").fetchall()
    assert found == [("Beta", "EUR")]


@pytest.mark.parametrize("others", ["", "t9,x\n"])
def test_blanks_around_quotes_mean_the_same_whatever_the_neighbours_are(
    settings: Settings, land: Land, others: str
) -> None:
    header = "tenant_id,name,billing_currency,bill_to_name,updated_at\n"
    land("tenants", "before.csv", f'{header} "t1",  "Acme, Inc.",USD, Acme Inc.,\n{others}')
    land("tenants", "behind.csv", f'{header}t2,"Beta" ,EUR,,\nt3,Gamma,EUR,,\n{others}')
    ingest_landing(settings)
    with duck.connect(settings.warehouse_path, settings) as connection:
        found = connection.execute("select tenant_id, name, bill_to_name from raw.tenants order by all").fetchall()
    assert found == [("t1", "Acme, Inc.", "Acme Inc."), ("t3", "Gamma", None)]
    assert [text for _, text, _ in quarantine(settings) if str(text).startswith("t2")] == ['t2,"Beta" ,EUR,,']


def test_a_long_text_is_not_held_back_for_another_rows_fault(settings: Settings, land: Land) -> None:
    header = "translation_id,org_id,target_lang,character_count,status,note\n"
    land("translations", "a.csv", f"{header}t1,o,de,5,completed,{'x' * 200_000}\nt2,o\nt3,o,de,5,completed,\n")
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.rows_accepted, receipt.rows_quarantined) == (2, 1)
