"""Few entries and many are the same index: the same files, and the same keys found to have come more than once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration import duck
from orchestration.ingestion.landing import ingest_landing
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import few_entries, key_index, many_entries, state
from orchestration.warehouse.entry_form import ENTRY_BYTES, PART_BITS, PART_MASK, entry_sql, part_day_sql, part_month

# Few keys and parts, so that they meet; the highest and lowest, for the edges of 64 bits.
KEYS = st.sampled_from([0, 1, 2, 3, (1 << 51) - 1, 1 << 51, (1 << 52) - 2, (1 << 52) - 1])
ENTRIES = st.builds(lambda key, part: key << PART_BITS | part, KEYS, st.sampled_from([0, 1, 2, PART_MASK]))
BOTH = pytest.mark.parametrize("kind", [few_entries, many_entries], ids=["few", "many"])


def _read(kind: ModuleType, entries: list[int], count: int | None = None) -> Any:
    with duckdb.connect() as connection:
        connection.execute("create table entries (entry ubigint, part_day bigint)")
        if entries:
            connection.execute(
                f"insert into entries values {', '.join(f'({entry}, {entry % 3})' for entry in entries)}"
            )
        found, seconds = kind.read(connection, "from entries", len(entries) if count is None else count)
    assert set(seconds) == {entry % 3 for entry in entries}
    return found


def _numbers(found: Any) -> list[int]:
    return [int(number) for number in found]


def _expected(fresh: list[int], runs: list[list[int]]) -> list[int]:
    """Worked out entry by entry: a key that came twice among the new rows, or now and before, is contested."""
    new = Counter(entry >> PART_BITS for entry in fresh)
    old = Counter(entry >> PART_BITS for run in runs for entry in run)
    contested = {key for key in new if new[key] > 1 or old[key]}
    return sorted({entry for entry in [*fresh, *(e for run in runs for e in run)] if entry >> PART_BITS in contested})


@BOTH
@settings(deadline=None)
@given(fresh=st.lists(ENTRIES, min_size=1, max_size=12), runs=st.lists(st.lists(ENTRIES, min_size=1), max_size=3))
def test_contested_are_all_entries_of_keys_that_came_before_or_twice(
    kind: ModuleType, fresh: list[int], runs: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    paths = [folder / f"{number}.run" for number in range(len(runs))]
    # Files of either are read by the other.
    for number, (path, run) in enumerate(zip(paths, runs, strict=True)):
        writer = (few_entries, many_entries)[number % 2]
        path.write_bytes(writer.written(_read(writer, run)))
        assert path.stat().st_size == ENTRY_BYTES * len(run)
    entries = _read(kind, fresh)
    found = kind.contested(entries, paths)
    assert _numbers(found) == _expected(fresh, runs)
    keys, parts = kind.keys_and_parts(found)
    assert _numbers(keys) == sorted({entry >> PART_BITS for entry in _numbers(found)})
    assert _numbers(parts) == sorted({entry & PART_MASK for entry in _numbers(found)})
    assert _numbers(kind.joined(entries, paths)) == sorted([*fresh, *(e for run in runs for e in run)])


@pytest.mark.parametrize("stretch", [1, 2, 3, 100])
def test_neighbours_are_found_across_stretches(stretch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_entries, "STRETCH", stretch)
    fresh = [key << PART_BITS | part for key, part in ((1, 0), (2, 0), (2, 1), (2, 2), (3, 5), (4, 1), (4, 1))]
    assert _numbers(many_entries.contested(_read(many_entries, fresh), [])) == _expected(fresh, [])


@BOTH
@pytest.mark.parametrize("count", [0, 1, 3, 9], ids="expected {}".format)
def test_entries_are_all_read_whatever_number_was_expected(kind: ModuleType, count: int) -> None:
    assert _numbers(_read(kind, [1 << 63, 5, (1 << 64) - 1], count)) == [5, 1 << 63, (1 << 64) - 1]


@BOTH
def test_numbers_become_a_table(kind: ModuleType) -> None:
    entries = _read(kind, [5, 1 << 63, (1 << 64) - 1])
    with duckdb.connect() as connection:
        for _ in range(2):
            kind.tabled(connection, "numbers", entries)
        found = connection.execute("select * from numbers order by all").fetchall()
        described = connection.execute("describe numbers").fetchall()
    assert found == [(5,), (1 << 63,), ((1 << 64) - 1,)]
    assert [(name, type_) for name, type_, *_ in described] == [("number", "UBIGINT")]


def test_an_entry_is_a_key_hash_and_a_part_number() -> None:
    with duckdb.connect() as connection:
        entry, key = connection.execute(
            f"select {entry_sql('record_key', 'part')}, hash(record_key) >> {PART_BITS} "
            f"from (select 'SM1' as record_key, {(1 << PART_BITS) + 7} as part)"
        ).fetchall()[0]
    assert (entry >> PART_BITS, entry & PART_MASK) == (key, 7)


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        ("timestamp '2024-02-29 23:59:59.999999'", "2024-02-01"),
        ("timestamp '2024-03-01 00:00:00'", "2024-03-01"),
        ("timestamp '1969-12-31 23:59:59'", "1969-12-01"),
        ("timestamp '1970-01-01'", "1970-01-01"),
        ("timestamp '0001-01-01'", "0001-01-01"),
        ("timestamp '9999-12-31 12:00:00'", "9999-12-01"),
        ("cast(null as timestamp)", "1970-01-01"),
    ],
)
def test_a_part_and_a_day_are_one_number(instant: str, month: str) -> None:
    """Beyond these bits, too: an entry has only these of a part's number, the months of a part are all its own."""
    part = (1 << 20) + 7
    with duckdb.connect() as connection:
        (number,) = connection.execute(
            f"select {part_day_sql('occurred_at', 'part')} from (select {instant} as occurred_at, {part} as part)"
        ).fetchall()[0]
        assert connection.execute(f"select cast(date_trunc('month', {instant}) as date)::varchar").fetchone() in (
            (month,),
            (None,),
        )
    assert part_month(number) == (part, month)


def _contested_parts(connection: duckdb.DuckDBPyConnection) -> list[int]:
    rows = connection.execute("select part_number from ops.contested_parts order by 1").fetchall()
    return [part for (part,) in rows]


def test_a_record_is_found_again_after_its_run_was_joined_with_others(
    settings: Settings, land: Callable[[str, str, str | bytes], Path]
) -> None:
    """Four landings of a row each are one run of four entries; the sixth brings the first one's record again."""
    header = "translation_id,org_id,target_lang,character_count,status,completed_at\n"
    for number, record in enumerate(("a", "b", "c", "d", "e", "a"), start=1):
        land("translations", f"{number}.csv", f"{header}{record},o,de,{number},completed,2024-11-05T10:00:00Z\n")
        ingest_landing(settings)
        with duck.connect(settings.warehouse_path, settings) as connection:
            state.ensure_state(connection)
            key_index.index_new_parts(connection, settings)
            sizes = connection.execute("select entries from ops.key_runs order by last_batch").fetchall()
            assert sum(entries for (entries,) in sizes) == number
            assert _contested_parts(connection) == ([1, 6] if number == 6 else [])
    assert sizes == [(4,), (1,), (1,)]


@pytest.mark.parametrize(("lying", "is_there"), [(16, True), (15, False), (24, False), (None, False)])
def test_an_index_is_believed_while_each_run_is_as_long_as_it_was_written(
    tmp_path: Path, lying: int | None, is_there: bool
) -> None:
    """Two entries are 16 bytes; what was cut off would be taken for records that never came."""
    if lying is not None:
        (tmp_path / "a.run").write_bytes(bytes(lying))
    with duckdb.connect() as connection:
        connection.execute("create schema ops")
        key_index.ensure_index_relations(connection)
        connection.execute("insert into ops.key_runs values ('translations', 'a.run', 1, 2)")
        assert key_index._runs_are_there(connection, tmp_path) is is_there


def test_parts_that_share_the_bits_of_their_number_are_all_looked_at() -> None:
    """An entry of part 7 may be of part 4,096 + 7 or 8,192 + 7 as well; it is of no other, and of no other source."""
    fresh = key_index.Fresh(few_entries, [], [])
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create schema ops")
        key_index.ensure_index_relations(connection)
        connection.execute(
            "create table raw.receipts as select unnest(['translations', 'translations', 'translations', "
            "'translations', 'twilio_calls']) as source, unnest([7, 4103, 8199, 4104, 12295]) as part_number, "
            "'accepted' as status"
        )
        (source,) = [indexed for indexed in key_index.INDEXED if indexed.name == "translations"]
        key_index._note_contested(connection, source, fresh, [5 << PART_BITS | 7], 3)
        assert _contested_parts(connection) == [7, 4103, 8199]


def test_few_need_no_numpy() -> None:
    """Loading it takes longer than the work."""
    code = (
        "import sys; from orchestration.warehouse import key_index, few_entries; "
        "assert not {'numpy', 'pyarrow'} & sys.modules.keys(), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_DIR)
