"""Clean Parquet is part of the raw store as it landed; what is not clean is typed row by row, as before."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration import duck
from orchestration.ingestion import landing
from orchestration.ingestion.file_rows import open_rows
from orchestration.ingestion.landing import ingest_landing
from orchestration.ingestion.part_names import EMPTY_NAME
from orchestration.ingestion.prechecks import CheckedFile
from orchestration.ingestion.raw_store import RawStoreChanged
from orchestration.ingestion.row_typing import typing_select
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings
from tests.damaged_parquet import damage

Land = Callable[[str, str, "str | bytes"], Path]
LandQuery = Callable[..., Path]

CALLS = """
select 'CA' || n as sid, 'AC1' as account_sid, 'completed' as status, 60 + n as duration, '-0.0085' as price,
    timestamptz '2024-11-05 10:00:00+01' + to_days(n::integer) as start_time,
    timestamptz '2024-11-05 09:00:00+00' as date_created
from range({count}) as numbers(n) order by n
"""
PENALTY = """
select 'n1' as notice_id, '+1' as phone_number, {amount} as amount, 'USD' as currency_code, 'open' as status,
    timestamptz '2024-11-01 00:00:00+00' as violated_at, timestamptz '2024-11-01 00:00:00+00' as posted_at,
    {status_at} as status_at
"""


@pytest.fixture
def land_query(settings: Settings) -> LandQuery:
    """Write the result of a query as a landed Parquet file."""

    def write(source: str, name: str, query: str) -> Path:
        path = settings.landing / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"copy ({query}) to '{path}' (format parquet)")
        return path

    return write


def rows(settings: Settings, query: str, *before: str) -> list[tuple[object, ...]]:
    with duck.connect(settings.warehouse_path, settings) as connection:
        for statement in before:
            connection.execute(statement)
        return connection.execute(query).fetchall()


def linked_parts(settings: Settings, source: str) -> list[Path]:
    return sorted((settings.raw_dir / source).glob("*/p*.parquet"))


def typed_parts(settings: Settings, source: str) -> list[Path]:
    return sorted(p for p in (settings.raw_dir / source).glob("p*.parquet") if p.name != EMPTY_NAME)


def test_a_clean_file_is_linked_and_read_like_a_typed_one(settings: Settings, land_query: LandQuery) -> None:
    landed = land_query("twilio_calls", "native.parquet", CALLS.format(count=3))
    texts = CALLS.format(count=3).replace("60 + n as duration", "(60 + n)::varchar as duration")
    land_query("twilio_calls", "text.parquet", texts)
    report = ingest_landing(settings)
    assert [r.part_number for r in report.receipts] == [1, 2]
    (part,) = linked_parts(settings, "twilio_calls")
    assert part.stat().st_ino == landed.stat().st_ino
    assert len(typed_parts(settings, "twilio_calls")) == 1
    columns = "* exclude (file_sha256, part_number)"
    both = [
        rows(settings, f"select {columns} from raw.twilio_calls where part_number = {number} order by row_number")
        for number in (1, 2)
    ]
    assert both[0] == both[1]
    assert len(both[0]) == 3
    found = rows(
        settings,
        "select distinct v.file_sha256 = r.file_sha256, v.load_batch = r.load_batch, v.load_batch "
        "from raw.twilio_calls as v "
        "inner join raw.receipts as r using (part_number)",
    )
    assert found == [(True, True, 1)]


def test_values_do_not_depend_on_the_readers_time_zone(settings: Settings, land_query: LandQuery) -> None:
    land_query("twilio_calls", "a.parquet", CALLS.format(count=1))
    ingest_landing(settings)
    query = "select start_time::varchar from raw.twilio_calls"
    assert rows(settings, query, "set timezone = 'America/New_York'") == [("2024-11-05 09:00:00",)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("60 + n as", "n - 1 as"), "duration"),
        (("'CA' || n as", "case when n > 0 then 'CA' || n end as"), "sid"),
        (("'CA' || n as", "case when n > 0 then 'CA' || n else '  ' end as"), "sid"),
        (("timestamptz '2024-11-05 09:00:00+00'", "case when n > 0 then timestamptz '2024-11-05 09:00:00+00' end"),
         "date_created"),
        (("timestamptz '2024-11-05 09:00:00+00'", "case when n > 0 then timestamptz '2024-11-05 09:00:00+00' "
          "else timestamptz 'infinity' end"), "date_created"),
    ],
)  # fmt: skip
def test_a_faulty_row_is_quarantined_and_the_rest_typed(
    settings: Settings, land_query: LandQuery, change: tuple[str, str], field: str
) -> None:
    land_query("twilio_calls", "a.parquet", CALLS.format(count=3).replace(*change))
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.rows_accepted, receipt.rows_quarantined) == (2, 1)
    assert rows(settings, "select row_number, field from raw.quarantine") == [(1, field)]
    assert rows(settings, "select row_number from raw.twilio_calls order by 1") == [(2,), (3,)]
    assert linked_parts(settings, "twilio_calls") == []


@pytest.mark.parametrize("kind", ["tinyint", "utinyint", "usmallint", "uinteger", "ubigint", "decimal(38, 0)"])
def test_whole_numbers_of_any_width_are_read(settings: Settings, land_query: LandQuery, kind: str) -> None:
    """Writers choose the width by the values there are: a file of short calls was refused."""
    land_query("twilio_calls", "a.parquet", CALLS.format(count=3).replace("60 + n as", f"(60 + n)::{kind} as"))
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.status, receipt.rows_accepted, receipt.reason) == ("accepted", 3, "")
    assert rows(settings, "select duration from raw.twilio_calls order by 1") == [(60,), (61,), (62,)]


@pytest.mark.parametrize("kind", ["uinteger", "bigint", "varchar"])
def test_seconds_since_1970_are_read_from_any_whole_number(
    settings: Settings, land_query: LandQuery, kind: str
) -> None:
    land_query(
        "whatsapp_webhooks", "a.parquet", f"select '1' as waba_id, 'w' as wamid, 1730800800::{kind} as timestamp"
    )
    ingest_landing(settings)
    assert rows(settings, "select timestamp::varchar from raw.whatsapp_webhooks") == [("2024-11-05 10:00:00",)]


@pytest.mark.parametrize("count", [0, 2])
def test_a_column_that_holds_nothing_in_any_row_says_nothing(settings: Settings, count: int) -> None:
    """pandas makes one of null type of it (calls none of which has a parent): the file was refused."""
    path = settings.landing / "twilio_calls" / "a.parquet"
    path.parent.mkdir(parents=True)
    known = {name: ["x"] * count for name in ("sid", "account_sid", "status")}
    dates = {"date_created": ["2024-11-05T10:00:00Z"] * count}
    nothing = {name: pa.nulls(count) for name in ("parent_call_sid", "duration", "end_time", "price")}
    pq.write_table(pa.table({**known, **dates, **nothing}), path)
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.status, receipt.rows_accepted) == ("accepted", count)
    found = rows(settings, "select sid, parent_call_sid, duration, end_time, price from raw.twilio_calls")
    assert found == [("x", None, None, None, None)] * count


def test_a_required_column_that_holds_nothing_holds_back_each_row(settings: Settings) -> None:
    path = settings.landing / "twilio_calls" / "a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"sid": ["x"], "account_sid": ["a"], "status": ["s"], "date_created": pa.nulls(1)}), path)
    ingest_landing(settings)
    assert rows(settings, "select field, reason from raw.quarantine") == [("date_created", "date_created is missing")]


@pytest.mark.parametrize("name", ["file_row_number", "FILE_ROW_NUMBER", "filename", "file_index"])
@pytest.mark.parametrize("duration", ["(60 + n)", "case n when 1 then 'long' else (60 + n)::varchar end"])
def test_a_column_named_like_one_of_the_readers_own_stops_nothing(
    settings: Settings, land_query: LandQuery, name: str, duration: str
) -> None:
    """What somebody wrote out of DuckDB may have a file_row_number: it stopped the run."""
    query = CALLS.format(count=3).replace("60 + n as", f"(9 - n)::bigint as {name}, {duration} as")
    land_query("twilio_calls", "a.parquet", query)
    (receipt,) = ingest_landing(settings).receipts
    held = int("long" in duration)
    assert (receipt.rows_accepted, receipt.rows_quarantined) == (3 - held, held)
    assert rows(settings, "select row_number, field from raw.quarantine") == [(2, "duration")] * held
    numbers = rows(settings, "select row_number, duration from raw.twilio_calls order by 1")
    assert numbers == [(n, 59 + n) for n in (1, 2, 3) if n != 2 or not held]


@pytest.mark.parametrize(
    ("amount", "read"),
    [
        ("12.50::decimal(38, 9)", "12.500000"),
        ("-12.123456::decimal(38, 18)", "-12.123456"),
        ("'12.5000000000'", "12.500000"),
        ("12.1234567::decimal(38, 9)", None),
        ("'12.12345670'", None),
    ],
)
def test_zeros_behind_the_last_place_of_money_are_no_places(
    settings: Settings, land_query: LandQuery, amount: str, read: str | None
) -> None:
    """Warehouses write money with nine or eighteen places: every fine of such a file was held back."""
    land_query(
        "carrier_penalties",
        "a.parquet",
        f"select 'n' as notice_id, '+12125550100' as phone_number, {amount} as amount, 'USD' as currency_code, 'open' "
        "as status, '2024-11-05T10:00:00Z' as violated_at, violated_at as posted_at, violated_at as status_at",
    )
    ingest_landing(settings)
    assert rows(settings, "select amount::varchar from raw.carrier_penalties") == ([(read,)] if read else [])
    assert rows(settings, "select field from raw.quarantine") == ([] if read else [("amount",)])


def test_whole_numbers_and_costs_as_floats_are_read_and_money_is_not(settings: Settings, land_query: LandQuery) -> None:
    """pandas writes counts of which some are not set as floats, and whoever reads prices as numbers writes costs so."""
    calls = "('CA1', 61::double, 0.0085::double), ('CA2', null, 'nan'), ('CA3', 60.5, 1e-5), ('CA4', -1, 1e300)"
    land_query(
        "twilio_calls",
        "a.parquet",
        "select sid, 'AC1' as account_sid, 'completed' as status, duration, price, '2024-11-05T10:00:00Z' as "
        f"date_created from (values {calls}) as calls (sid, duration, price)",
    )
    land_query(
        "carrier_penalties",
        "b.parquet",
        "select 'n' as notice_id, '+12125550100' as phone_number, 500::double as amount, 'USD' as currency_code, "
        "'open' as status, '2024-11-05T10:00:00Z' as violated_at, violated_at as posted_at, violated_at as status_at",
    )
    ingest_landing(settings)
    found = rows(settings, "select sid, duration, price::varchar from raw.twilio_calls order by sid")
    assert found == [("CA1", 61, "0.008500"), ("CA2", None, None)]
    held = rows(settings, "select row_number, field from raw.quarantine order by all")
    assert held == [(3, "duration"), (4, "duration")]
    assert rows(settings, "select source, field from raw.file_findings") == [("carrier_penalties", "amount")]


@pytest.mark.parametrize(
    ("instant", "fits"),
    [
        ("0000-12-31 23:59:59.999999+00", False),
        ("0001-01-01 00:00:00+00", True),
        ("0001-01-01 00:00:00+00:01", False),
        ("9999-12-31 23:59:59.999999+00", True),
        ("9999-12-31 23:59:59-00:01", False),
    ],
)
@pytest.mark.parametrize("form", ["timestamptz", "varchar"])
def test_an_instant_outside_the_years_1_to_9999_is_held_back(
    settings: Settings, land_query: LandQuery, instant: str, fits: bool, form: str
) -> None:
    """It was taken in, and from then on every build ended with a traceback."""
    times = f"case n when 1 then '{instant}'::{form} else '2024-11-05 09:00:00+00'::{form} end as date_created"
    query = CALLS.format(count=3).replace("timestamptz '2024-11-05 09:00:00+00' as date_created", times)
    land_query("twilio_calls", "a.parquet", query)
    ingest_landing(settings)
    reason = "date_created is not within the years 1 to 9999 (UTC)"
    held = rows(settings, "select row_number, field, reason from raw.quarantine")
    assert held == ([] if fits else [(2, "date_created", reason)])
    assert rows(settings, "select count(*) from raw.twilio_calls") == [(3 if fits else 2,)]
    assert len(linked_parts(settings, "twilio_calls")) == int(fits and form == "timestamptz")


@pytest.mark.parametrize("column", ["sid", "date_created", "duration", "status"])
@pytest.mark.parametrize("compression", ["snappy", "none"])
def test_a_file_with_damaged_data_is_refused_and_the_rest_goes_on(
    settings: Settings, land: Land, column: str, compression: str
) -> None:
    """The footer is whole, a page is not: it stopped the run."""
    path = settings.landing / "twilio_calls" / "a.parquet"
    path.parent.mkdir(parents=True)
    values = {name: [f"{name}{n}" for n in range(3000)] for name in ("sid", "account_sid", "status", "duration")}
    times = [f"2024-11-05T10:{n // 60 % 60:02}:{n % 60:02}Z" for n in range(3000)]
    pq.write_table(pa.table({**values, "date_created": times}), path, compression=compression)
    damage(path, column)
    land("twilio_calls", "b.csv", "sid,account_sid,status,date_created\n1,2,completed,2024-11-05T10:00:00Z\n")
    found = {receipt.file_name: receipt for receipt in ingest_landing(settings).receipts}
    assert (found["a.parquet"].status, found["b.csv"].status) == ("refused", "accepted")
    assert "cannot be read to its end" in found["a.parquet"].reason
    assert str(settings.home) not in found["a.parquet"].reason
    assert rows(settings, "select sid from raw.twilio_calls") == [("1",)]
    assert rows(settings, "select count(*) from raw.quarantine") == [(0,)]


def test_what_is_said_of_a_damaged_file_names_no_path_of_ours(settings: Settings, land_query: LandQuery) -> None:
    path = land_query("twilio_calls", "a.parquet", CALLS.format(count=3))
    path.write_bytes(path.read_bytes()[:-20])
    (receipt,) = ingest_landing(settings).findings
    assert "No magic bytes found at end of file" in receipt.reason
    assert str(settings.home) not in receipt.reason


def test_padded_text_is_trimmed_in_place(settings: Settings, land_query: LandQuery) -> None:
    padded = CALLS.format(count=3).replace("'AC1' as", "'AC1' as parent_call_sid, 'in' as direction, 'AC1' as")
    padded = padded.replace("'in' as", "case n when 0 then ' in ' when 1 then '  ' else 'in' end as")
    land_query("twilio_calls", "a.parquet", padded)
    ingest_landing(settings)
    assert len(linked_parts(settings, "twilio_calls")) == 1
    assert rows(settings, "select direction from raw.twilio_calls order by row_number") == [("in",), (None,), ("in",)]


def test_aliases_missing_and_foreign_columns_each_have_their_layout(settings: Settings, land_query: LandQuery) -> None:
    land_query("twilio_calls", "a.parquet", CALLS.format(count=1))
    land_query("twilio_calls", "b.parquet", CALLS.format(count=2).replace("as date_created", "as created_at"))
    land_query("twilio_calls", "c.parquet", CALLS.format(count=4).replace("as status", "as status, 7 as tier"))
    report = ingest_landing(settings)
    assert [r.ignored_columns for r in report.receipts] == ["", "", "tier"]
    assert len({part.parent for part in linked_parts(settings, "twilio_calls")}) == 3
    found = rows(settings, "select part_number, count(date_created), count(price) from raw.twilio_calls group by 1")
    assert sorted(found) == [(1, 1, 1), (2, 2, 2), (3, 4, 4)]
    assert rows(settings, "select distinct price::varchar from raw.twilio_calls") == [("-0.008500",)]


@pytest.mark.parametrize(
    ("amount", "linked"),
    [("12.5::decimal(8, 2)", True), ("12.5::decimal(24, 6)", False), ("'12.50'", False), ("12", False)],
)
def test_money_is_linked_only_where_its_type_says_it_all(
    settings: Settings, land_query: LandQuery, amount: str, linked: bool
) -> None:
    land_query(
        "carrier_penalties", "a.parquet", PENALTY.format(amount=amount, status_at="timestamptz '2024-11-01 00:00:00Z'")
    )
    ingest_landing(settings)
    assert len(linked_parts(settings, "carrier_penalties")) == linked
    ((found,),) = rows(settings, "select amount::varchar from raw.carrier_penalties")
    assert found in ("12.500000", "12.000000")


def test_filters_on_what_a_part_is_prune_files_and_unused_columns_are_not_read(
    settings: Settings, land_query: LandQuery
) -> None:
    for n in range(1, 4):
        land_query("twilio_calls", f"{n}.parquet", CALLS.format(count=n))
        ingest_landing(settings)
    for condition, files in (("part_number in (1, 3)", 2), ("load_batch > 2", 1), ("load_batch = 2", 1)):
        ((_, plan),) = rows(settings, f"explain analyze select count(sid) from raw.twilio_calls where {condition}")
        assert f"Scanning Files: {files}/3" in str(plan), condition
        assert "account_sid" not in str(plan)


def test_the_range_of_each_instant_is_kept_for_every_part(
    settings: Settings, land: Land, land_query: LandQuery
) -> None:
    land_query("twilio_calls", "a.parquet", CALLS.format(count=3))
    land("twilio_calls", "b.csv", "sid,account_sid,status,date_created\nCA,AC,completed,2024-11-05T10:00:00+01:00\n")
    ingest_landing(settings)
    found = rows(
        settings,
        "select part_number, rows, column_name, earliest::varchar, latest::varchar from ops.parts "
        "inner join ops.part_instants using (part_number) where latest is not null order by all",
    )
    assert found == [
        (1, 3, "date_created", "2024-11-05 09:00:00", "2024-11-05 09:00:00"),
        (1, 3, "start_time", "2024-11-05 09:00:00", "2024-11-07 09:00:00"),
        (2, 1, "date_created", "2024-11-05 09:00:00", "2024-11-05 09:00:00"),
    ]


def test_a_landed_file_changed_in_place_is_noticed(settings: Settings, land_query: LandQuery) -> None:
    landed = land_query("twilio_calls", "a.parquet", CALLS.format(count=3))
    ingest_landing(settings)
    assert landed.stat().st_mode & 0o222 == 0
    landed.chmod(0o644)
    with landed.open("r+b") as file:
        file.seek(20)
        file.write(b"\0\0\0")
    with pytest.raises(RawStoreChanged, match=r"twilio_calls/a\.parquet was changed in place") as refused:
        ingest_landing(settings)
    assert "renaming a new file" in refused.value.remedy


def test_a_file_its_producer_is_not_done_with_stays_writable(
    settings: Settings, land: Land, land_query: LandQuery
) -> None:
    landed = land_query("twilio_calls", "a.parquet", CALLS.format(count=3))
    land("twilio_calls", "a.parquet.manifest.json", '{"rows": 4}')
    assert [r.status for r in ingest_landing(settings).receipts] == ["waiting"]
    assert landed.stat().st_mode & 0o200
    assert linked_parts(settings, "twilio_calls") == []


def test_a_write_between_hashing_and_booking_is_noticed(
    settings: Settings, land_query: LandQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed = land_query("twilio_calls", "a.parquet", CALLS.format(count=3))
    real = landing.link_file

    def link_then_write(*arguments: object) -> object:
        stored = real(*arguments)  # type: ignore[arg-type]
        landed.chmod(0o644)
        with landed.open("r+b") as file:
            file.seek(20)
            file.write(b"more")
        return stored

    with monkeypatch.context() as patched:
        patched.setattr(landing, "link_file", link_then_write)
        ingest_landing(settings)
    with pytest.raises(RawStoreChanged):
        ingest_landing(settings)


def test_a_landed_file_may_be_touched_replaced_and_deleted(settings: Settings, land_query: LandQuery) -> None:
    landed = land_query("twilio_calls", "a.parquet", CALLS.format(count=3))
    ingest_landing(settings)
    landed.touch()
    assert [r.status for r in ingest_landing(settings).receipts] == ["duplicate_file"]
    land_query("twilio_calls", "new.parquet", CALLS.format(count=5)).rename(landed)
    assert [r.rows_total for r in ingest_landing(settings).with_status("accepted")] == [5]
    landed.unlink()
    ingest_landing(settings)
    assert rows(settings, "select count(*) from raw.twilio_calls") == [(8,)]


def test_a_part_that_is_gone_is_noticed(settings: Settings, land: Land) -> None:
    land("twilio_calls", "b.csv", "sid,account_sid,status,date_created\nCA,AC,completed,2024-11-05T10:00:00+01:00\n")
    ingest_landing(settings)
    typed_parts(settings, "twilio_calls")[0].unlink()
    with pytest.raises(RawStoreChanged, match="is missing"):
        ingest_landing(settings)


def test_a_load_that_dies_leaves_nothing_half_taken_in(
    settings: Settings, land_query: LandQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed = [land_query("twilio_calls", f"{n}.parquet", CALLS.format(count=n)) for n in range(1, 5)]
    real, calls = landing.link_file, []

    def dies(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(landing, "link_file", dies)
        with pytest.raises(KeyboardInterrupt):
            ingest_landing(settings)
    assert rows(settings, "select count(*) from raw.receipts") == [(0,)]
    assert len(ingest_landing(settings).with_status("accepted")) == 4
    assert all(path.exists() for path in landed)
    assert rows(settings, "select count(*), count(distinct part_number) from raw.twilio_calls") == [(10, 4)]
    assert not list(settings.tmp_dir.glob("ingest/*"))


def test_the_same_bad_file_in_two_folders_is_quarantined_twice(settings: Settings, land: Land) -> None:
    bad = "tenant_id,meter,bytes,valid_from,service,from\n,,,,,\n"
    land("storage_purchases", "a.csv", bad)
    land("suspensions", "a.csv", bad)
    ingest_landing(settings)
    assert rows(settings, "select source from raw.quarantine order by 1") == [("storage_purchases",), ("suspensions",)]


def test_a_store_of_the_former_loader_is_taken_over(settings: Settings, land: Land) -> None:
    header = "translation_id,org_id,target_lang,character_count,status,completed_at\n"
    land("translations", "a.csv", header + "t1,o1,de,23,completed,2024-11-05T10:00:00Z\n,,,,,\n")
    ingest_landing(settings)
    before = rows(settings, "select * from raw.translations")
    with duck.connect(settings.warehouse_path, settings) as connection:
        for relation in ("raw_views", "parts", "part_instants", "part_layouts"):
            connection.execute(f"drop table ops.{relation}")
        connection.execute("alter table raw.receipts drop column part_number")
    for part in list(settings.raw_dir.rglob("*.parquet")):
        former = "b000000_empty.parquet" if part.name == EMPTY_NAME else re.sub(r"^p\d+_", "", part.name)
        part.rename(part.with_name(former))
    (part,) = (settings.raw_dir / "translations").glob("b000001_*.parquet")
    with duckdb.connect() as connection:  # it stored what now stands in the name
        connection.execute(
            f"copy (select *, 'x' as file_sha256, 1::integer as load_batch from '{part}') "
            f"to '{part}.new' (format parquet)"
        )
    Path(f"{part}.new").rename(part)
    assert ingest_landing(settings).receipts == []
    assert rows(settings, "select * from raw.translations") == before
    assert rows(settings, "select row_number from raw.quarantine") == [(2,)]
    assert rows(settings, "select part_number, rows from ops.parts") == [(1, 1)]
    assert rows(settings, "select count(*) from ops.part_instants where latest is not null") == [(1,)]
    assert not list(settings.raw_dir.rglob("b0*"))


TEXT = st.one_of(st.none(), st.sampled_from(["", " ", "  ", "a", " a", "b", "in", "out", "é", "\t", "zz "]))
COUNT = st.one_of(st.none(), st.integers(-2, 5), st.just(2**40))
TIME = st.one_of(st.none(), st.sampled_from(["2024-11-05 10:00:00+01", "1969-12-31 23:59:59.5+00", "infinity"]))
PRICE = st.one_of(st.none(), st.sampled_from(["0.5", "1e3", " 1.25 ", "x"]))
OFTEN_CLEAN = st.booleans()


@st.composite
def call_rows(draw: st.DrawFn) -> list[tuple[object, ...]]:
    if draw(OFTEN_CLEAN):
        fixed = (st.just("CA1"), st.just("AC1"), st.just("completed"), TEXT, st.integers(0, 9), st.none(), PRICE)
        return draw(st.lists(st.tuples(*fixed, st.just("2024-11-05 10:00:00+01")), max_size=5))
    return draw(st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT, COUNT, TIME, PRICE, TIME), max_size=5))


# Neither the least nor the greatest of words that are written out has the blank behind it.
@example(
    [
        ("CA1", "AC1", "completed", direction, 1, None, None, "2024-11-05 10:00:00+01")
        for direction in ("a", "zz ", "é")
    ],
    "duckdb",
    "bigint",
)
@given(call_rows(), st.sampled_from(["duckdb", "pyarrow"]), st.sampled_from(["bigint", "integer", "ubigint"]))
@hypothesis_settings(max_examples=150, deadline=None)
def test_any_file_that_is_linked_reads_as_if_it_were_typed(
    tmp_path_factory: pytest.TempPathFactory, content: list[tuple[object, ...]], writer: str, whole: str
) -> None:
    path = tmp_path_factory.mktemp("calls") / "a.parquet"
    names = ("sid", "account_id", "status", "direction", "duration", "start_time", "price", "date_created")
    kinds = ("varchar", "varchar", "varchar", "varchar", whole, "timestamptz", "varchar", "timestamptz")
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"create table calls ({', '.join(f'{n} {k}' for n, k in zip(names, kinds, strict=True))})")
        for row in content:
            values = ["null" if v is None else f"'{v}'" if isinstance(v, str) else str(v) for v in row]
            cast = ", ".join(f"try_cast({value} as {kind})" for value, kind in zip(values, kinds, strict=True))
            connection.execute(f"insert into calls select {cast}")
        if writer == "duckdb":
            connection.execute(f"copy calls to '{path}' (format parquet)")
        else:
            pq.write_table(connection.execute("from calls").to_arrow_table(), path)
        spec = SOURCES["twilio_calls"]
        checked = CheckedFile(path, path, ".parquet", "0" * 64, path.stat().st_size, {})
        rows = open_rows(connection, spec, checked, Settings(home=path.parent, landing=path.parent))
        typed = connection.execute(typing_select(spec, rows.column_types, rows.relation)).fetchall()
        faults = [row[-1] for row in typed if row[-1] is not None]
        if rows.in_place is None:
            # Blanks around a required text, or one that sorts before '!' as a lone tab does, are looked at one by one.
            assert faults or any(str(v) != str(v).strip(" ") or str(v) < "!" for row in content for v in row[:3])
            return
        assert faults == []
        found = connection.execute(f"select {rows.in_place.layout.select_list} from '{path}'").fetchall()
        assert found == [row[:-2] for row in typed]
        for name, (earliest, latest) in rows.in_place.instants.items():
            column = list(spec.typed_columns).index(name)
            times = [row[column] for row in found if row[column] is not None]
            assert (earliest, latest) == (_micros(min(times)), _micros(max(times))) if times else (None, None)


def _micros(time: datetime) -> int:
    return (time - datetime(1970, 1, 1)) // timedelta(microseconds=1)
