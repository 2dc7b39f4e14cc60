"""A release is taken over from the one before but for the months that moved, and holds what a whole copy would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import duck
from orchestration.publishing import release
from orchestration.publishing.parquet_files import read_sql
from orchestration.publishing.release_tables import (
    CONTENTS,
    DATABASE,
    copied_whole,
    read_contents,
    write_contents,
    write_tables,
)
from orchestration.quality.month_contents import contents
from orchestration.settings import Settings

TABLES = ["dim_plans", "fct_lines"]
DESCRIPTIONS = {"fct_lines": ("Lines.", {"amount": "Billed."}), "dim_plans": ("Plans.", {})}
CANDIDATE = """
create schema marts;
create table marts.fct_lines as
    select date '2024-01-01' + to_months(i % 4) :: interval as billing_month, 'line ' || i as line_id,
    (i / 8)::decimal(18, 3) as amount from range(40) as t(i);
alter table marts.fct_lines alter billing_month type date;
create table marts.dim_plans as select 'plan ' || i as plan from range(3) as t(i);
"""


@pytest.fixture
def candidate(settings: Settings) -> Settings:
    settings.home.mkdir(parents=True, exist_ok=True)
    with duck.connect(settings.warehouse_path, settings) as connection:
        connection.execute(CANDIDATE)
    return settings


def _release(
    settings: Settings,
    name: str,
    before: Path | None = None,
    tables: list[str] | None = None,
    descriptions: dict[str, tuple[str, dict[str, str]]] | None = None,
) -> Path:
    """A release of the candidate in a folder of its own, found to hold what the candidate does."""
    building = settings.home / name
    building.mkdir()
    listed = tables or TABLES
    with duck.connect(settings.warehouse_path, settings) as connection:
        held = contents(connection, "marts", listed)
        write_tables(connection, building, held, descriptions or DESCRIPTIONS, before)
        connection.execute("checkpoint released")
        connection.execute("detach released")
    assert copied_whole(settings, building, held)
    return building


def _change(settings: Settings, statement: str) -> None:
    with duck.connect(settings.warehouse_path, settings) as connection:
        connection.execute(statement)


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
        return connection.execute(query).fetchall()


def _files(folder: Path, table: str) -> dict[str, Path]:
    return {path.name: path for path in (folder / "parquet" / table).iterdir()}


def test_a_month_that_moved_is_replaced_and_the_files_are_those_of_a_whole_copy(candidate: Settings) -> None:
    first = _release(candidate, "first")
    _change(
        candidate,
        "update marts.fct_lines set amount = amount + 1 where line_id = 'line 5';"
        "delete from marts.fct_lines where line_id = 'line 9';"
        "insert into marts.fct_lines values (date '2024-02-01', 'line 99', 7)",
    )
    second = _release(candidate, "second", first)
    whole = _release(candidate, "whole")
    everything = "select * from marts.fct_lines order by all"
    assert _rows(second, everything) == _rows(whole, everything) != _rows(first, everything)
    for table in TABLES:
        mended, made = _files(second, table), _files(whole, table)
        assert {name: path.read_bytes() for name, path in mended.items()} == {
            name: path.read_bytes() for name, path in made.items()
        }


def test_the_file_of_a_month_that_did_not_move_is_the_former_one(candidate: Settings) -> None:
    first = _release(candidate, "first")
    _change(candidate, "update marts.fct_lines set amount = 1 where billing_month = date '2024-02-01'")
    second = _release(candidate, "second", first)
    was, now = _files(first, "fct_lines"), _files(second, "fct_lines")
    assert sorted(now) == ["2024-01.parquet", "2024-02.parquet", "2024-03.parquet", "2024-04.parquet"]
    assert [name for name in sorted(now) if now[name].samefile(was[name])] == [
        "2024-01.parquet",
        "2024-03.parquet",
        "2024-04.parquet",
    ]
    (plans,) = _files(second, "dim_plans").values()
    assert plans.name == "all.parquet" and plans.samefile(_files(first, "dim_plans")["all.parquet"])


def test_a_table_is_read_from_its_folder_also_without_rows_or_months(candidate: Settings) -> None:
    _change(
        candidate,
        "delete from marts.dim_plans; insert into marts.fct_lines values (null, 'line 91', 2)",
    )
    folder = _release(candidate, "first") / "parquet"
    with duckdb.connect() as connection:
        assert connection.execute(f"select count(*) from {read_sql(folder / 'dim_plans')}").fetchone() == (0,)
        assert connection.execute(f"select count(*) from {read_sql(folder / 'fct_lines')}").fetchone() == (41,)
    assert set(_files(folder.parent, "fct_lines")) >= {"all.parquet", "2024-01.parquet"}


def test_a_month_that_is_gone_goes_and_one_that_came_comes(candidate: Settings) -> None:
    first = _release(candidate, "first")
    _change(
        candidate,
        "delete from marts.fct_lines where billing_month = date '2024-03-01';"
        "insert into marts.fct_lines values (date '2024-09-01', 'line 90', 1), (null, 'line 91', 2)",
    )
    second = _release(candidate, "second", first)
    months = _rows(second, "select distinct billing_month::varchar from marts.fct_lines order by 1 nulls first")
    assert [month for (month,) in months] == [None, "2024-01-01", "2024-02-01", "2024-04-01", "2024-09-01"]


def test_another_column_or_table_or_description_is_taken_over(candidate: Settings) -> None:
    first = _release(candidate, "first")
    _change(candidate, "alter table marts.fct_lines add column note varchar default 'n'; drop table marts.dim_plans")
    told = {"fct_lines": ("Invoice lines.", {"amount": "Billed.", "note": "A note."})}
    second = _release(candidate, "second", first, ["fct_lines"], told)
    assert _rows(second, "select count(*), min(note) from marts.fct_lines") == [(40, "n")]
    assert _rows(second, "select table_name, comment from duckdb_tables()") == [("fct_lines", "Invoice lines.")]
    comments = dict(_rows(second, "select column_name, comment from duckdb_columns() where comment is not null"))
    assert comments == {"amount": "Billed.", "note": "A note."}


def test_a_copy_that_differs_is_found(candidate: Settings) -> None:
    building = _release(candidate, "first")
    with duck.connect(candidate.warehouse_path, candidate, read_only=True) as connection:
        held = contents(connection, "marts", TABLES)
    with duckdb.connect(str(building / DATABASE)) as connection:
        connection.execute("update marts.fct_lines set amount = amount + 0.001 where line_id = 'line 0'")
    assert not copied_whole(candidate, building, held)


def test_a_release_before_that_was_tampered_with_is_mended_from_the_candidate(candidate: Settings) -> None:
    first = _release(candidate, "first")
    with duckdb.connect(str(first / DATABASE)) as connection:
        connection.execute("update marts.fct_lines set amount = 1000 where line_id = 'line 0'")
        connection.execute("delete from marts.dim_plans")
    second = _release(candidate, "second", first)
    assert _rows(second, "select max(amount) < 1000 from marts.fct_lines") == [(True,)]
    assert _rows(second, "select count(*) from marts.dim_plans") == [(3,)]


def test_a_release_outlasts_a_power_cut_before_the_pointer_leads_to_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings.published_dir / "releases" / "000001-abc"
    made.mkdir(parents=True)
    pointer = settings.published_dir / "current"
    synced: list[tuple[Path, bool]] = []
    monkeypatch.setattr(release, "sync", lambda path: synced.append((path, pointer.is_symlink())))
    release._flip(settings, made)
    assert synced == [(made.parent, False), (settings.published_dir, True)]
    assert pointer.resolve() == made.resolve()


def test_the_ten_newest_releases_stay_and_a_draft_counts_for_none(settings: Settings) -> None:
    releases = settings.published_dir / "releases"
    for name in (*(f"{number:06d}-abc" for number in range(1, 13)), ".building-000013-def"):
        (releases / name).mkdir(parents=True)
    release._prune(settings, releases / "000012-abc")
    kept = [f"{number:06d}-abc" for number in range(3, 13)]
    assert sorted(path.name for path in releases.iterdir()) == [".building-000013-def", *kept]


def test_what_a_release_holds_is_told_beside_it(candidate: Settings) -> None:
    first = _release(candidate, "first")
    assert read_contents(first) is None
    with duck.connect(candidate.warehouse_path, candidate, read_only=True) as connection:
        held = contents(connection, "marts", TABLES)
    write_contents(first, held)
    assert read_contents(first) == held
    text = (first / CONTENTS).read_text(encoding="utf-8")
    (first / CONTENTS).write_text(text.replace(duckdb.__version__, "0.0.1"), encoding="utf-8")
    assert read_contents(first) is None, "another engine hashes otherwise"
    (first / CONTENTS).write_text(text[:-20], encoding="utf-8")
    assert read_contents(first) is None


def test_what_was_told_wrong_is_found_in_the_finished_copy(candidate: Settings) -> None:
    """The former release is not read again: that it is what it says shows when the copy of it is compared."""
    first = _release(candidate, "first")
    with duck.connect(candidate.warehouse_path, candidate) as connection:
        held = contents(connection, "marts", TABLES)
        write_contents(first, held)
        with duckdb.connect(str(first / DATABASE)) as tampering:
            tampering.execute("update marts.fct_lines set amount = 1000 where line_id = 'line 0'")
        building = candidate.home / "second"
        building.mkdir()
        write_tables(connection, building, held, DESCRIPTIONS, first)
        connection.execute("checkpoint released")
        connection.execute("detach released")
    assert not copied_whole(candidate, building, held)
