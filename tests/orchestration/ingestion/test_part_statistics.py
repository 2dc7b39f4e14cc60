"""How often a field is not set is taken from the files where they tell it, and is what reading the rows finds."""

from __future__ import annotations

import duckdb
import pytest

from orchestration import duck
from orchestration.ingestion.part_statistics import columns_as_landed, unset_counts
from orchestration.ingestion.raw_schema import source_folder
from orchestration.ingestion.raw_setup import ensure_raw_relations
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

FIELDS = ["sid", "account_sid", "status", "date_created"]
ROWS = """
select case when i % 10 = 0 then null else 'CA' || i end as {sid}, 'AC1' as account_sid,
    case when i % 4 = 0 then null else 'completed' end as status, timestamptz '2024-11-01 00:00:00+00' as made
from range(100) as t(i)
"""
LAYOUT = (
    '"Call Sid" as "sid", "account_sid" as "account_sid", nullif("status", \'completed\') as "status", '
    'make_timestamp(epoch_us("made")) as "date_created"'
)


@pytest.fixture
def parts(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Batch 1 of the calls: a part taken over as it landed, with 10 of 100 calls without sid."""
    settings.home.mkdir(parents=True, exist_ok=True)
    connection = duck.connect(settings.warehouse_path, settings)
    ensure_raw_relations(connection, settings)
    _write(connection, settings, "linked", ROWS.format(sid='"Call Sid"'), 1)
    connection.execute(f"insert into ops.part_layouts values ('twilio_calls', 'linked', {sql_text(LAYOUT)})")
    return connection


def _write(connection: duckdb.DuckDBPyConnection, settings: Settings, layout: str, query: str, number: int) -> None:
    folder = source_folder(settings, "twilio_calls") / layout
    folder.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy ({query}) to {sql_text(str(folder / f'{number}.parquet'))} (format parquet)")
    connection.execute(
        f"insert into ops.parts values ({number}, 'twilio_calls', 1, 100, '', '{number}.parquet', '{layout}', 0, 0, 0)"
    )


def test_fields_taken_over_as_they_landed_are_counted_and_others_left_to_be_read(
    parts: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    with parts:
        # The status may become null on the way, and so the file cannot tell.
        assert unset_counts(parts, settings, "twilio_calls", 1, FIELDS) == {
            "sid": 10,
            "account_sid": 0,
            "date_created": 0,
        }
        assert unset_counts(parts, settings, "twilio_calls", 2, FIELDS) == {}


def test_parts_of_every_layout_are_added_up(parts: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    typed = ROWS.format(sid="sid").replace("as made", "as date_created")
    with parts:
        _write(parts, settings, "", typed, 2)
        _write(parts, settings, "", typed, 3)
        assert unset_counts(parts, settings, "twilio_calls", 1, FIELDS)["sid"] == 30


def test_a_field_that_one_file_has_not_is_left_to_be_read(parts: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    with parts:
        _write(parts, settings, "linked", "select 'AC1' as account_sid, timestamptz '2024-11-01' as made", 2)
        assert "sid" not in unset_counts(parts, settings, "twilio_calls", 1, FIELDS)


def test_what_a_layout_takes_over_as_it_landed() -> None:
    assert columns_as_landed(LAYOUT) == {"sid": "Call Sid", "account_sid": "account_sid", "date_created": "made"}
    assert columns_as_landed('"a ""b""" as "sid", cast(null as VARCHAR) as "parent_call_sid"') == {"sid": 'a "b"'}
    expression = 'case when "price" < \'!\' then null else "price" end as "price", "unit" as "price_unit"'
    assert columns_as_landed(expression) == {"price_unit": "unit"}
