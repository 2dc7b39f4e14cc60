"""Opening the build file: what is written at once is durable at the end or not at all."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest

from orchestration import duck
from orchestration.duck import FileInUse
from orchestration.settings import PROJECT_DIR, Settings

DIES_INSIDE = """
import os, sys
from pathlib import Path
from orchestration import duck
from orchestration.settings import Settings
home = Path(sys.argv[1])
settings = Settings(home=home, landing=home)
with duck.connect_at_once(settings.warehouse_path, settings) as connection:
    connection.execute("insert into counted select range from range(500000)")
    connection.execute("create table other as select 1 as one")
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def counted(settings: Settings) -> Settings:
    settings.home.mkdir(parents=True, exist_ok=True)
    with duck.connect(settings.warehouse_path, settings) as connection:
        connection.execute("create table counted as select range as n from range(10)")
    return settings


def _tables(settings: Settings) -> dict[str, int]:
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        names = [name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()]
        return {name: len(connection.execute(f"from {name}").fetchall()) for name in names}


def test_a_process_that_dies_leaves_the_file_as_it_was_opened(counted: Settings) -> None:
    before = counted.warehouse_path.read_bytes()
    command = [sys.executable, "-c", DIES_INSIDE, str(counted.home)]
    died = subprocess.run(command, cwd=PROJECT_DIR, check=False)
    assert died.returncode == -9
    assert _tables(counted) == {"counted": 10}
    assert before[:4096] == counted.warehouse_path.read_bytes()[:4096]


def test_the_log_of_a_process_that_died_is_taken_over_and_kept_until_all_is_durable(counted: Settings) -> None:
    """Files are taken in with a log ahead; whoever died then left one, and the build finds it."""
    logged = DIES_INSIDE.replace("connect_at_once", "connect")
    for script in (logged, DIES_INSIDE.replace("other", "another")):
        died = subprocess.run([sys.executable, "-c", script, str(counted.home)], cwd=PROJECT_DIR, check=False)
        assert died.returncode == -9
        assert _tables(counted) == {"counted": 500_010, "other": 1}
    log = counted.warehouse_path.with_name("warehouse.duckdb.wal")
    assert log.exists()
    with duck.connect_at_once(counted.warehouse_path, counted) as connection:
        connection.execute("insert into counted values (11)")
    assert not log.exists()
    assert _tables(counted) == {"counted": 500_011, "other": 1}


def test_an_error_keeps_what_was_committed(counted: Settings) -> None:
    with pytest.raises(ZeroDivisionError), duck.connect_at_once(counted.warehouse_path, counted) as connection:
        connection.execute("insert into counted values (11)")
        raise ZeroDivisionError
    assert _tables(counted) == {"counted": 11}


@pytest.mark.parametrize("read_only", [False, True])
def test_who_finds_the_file_open_elsewhere_is_told_by_whom(counted: Settings, read_only: bool) -> None:
    script = (
        "import sys; from pathlib import Path; from orchestration import duck\n"
        "from orchestration.settings import Settings\n"
        "home = Path(sys.argv[1]); settings = Settings(home=home, landing=home)\n"
        "with duck.connect_at_once(settings.warehouse_path, settings):\n"
        "    print('open', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(counted.home)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT_DIR, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(FileInUse, match=f"process {holder.pid} "):
            duck.connect(counted.warehouse_path, counted, read_only=read_only)
        holder.stdin.close()
    assert _tables(counted) == {"counted": 10}


@pytest.mark.parametrize(
    ("limit", "engine"), [("2GB", "1.5GB"), ("512MiB", "384MiB"), ("1.6 gb", "1.2gb"), ("80%", "80%")]
)
def test_the_engine_has_three_quarters_of_a_limit(limit: str, engine: str) -> None:
    assert duck.engine_memory(limit) == engine


def test_sessions_side_by_side_see_the_same_file_and_give_results_in_order(counted: Settings) -> None:
    def added(session: duckdb.DuckDBPyConnection, n: int) -> int:
        row = session.execute(f"select n + 1 from counted where n = {n}").fetchone()
        assert row is not None
        return int(row[0])

    with duck.connect(counted.warehouse_path, counted) as connection:
        assert duck.side_by_side(connection, added, list(range(10))) == list(range(1, 11))
        assert duck.side_by_side(connection, added, []) == []


def test_tables_are_cut_into_row_groups_for_every_processor(counted: Settings) -> None:
    with duck.connect_at_once(counted.warehouse_path, counted) as connection:
        connection.execute("create table wide as select range as n from range(100000)")
    # Opened to write once more as everywhere, they stay so.
    with duck.connect(counted.warehouse_path, counted) as connection:
        connection.execute("insert into counted values (12)")
    with duck.connect(counted.warehouse_path, counted, read_only=True) as connection:
        groups = connection.execute("select count(distinct row_group_id) from pragma_storage_info('wide')").fetchone()
    assert groups == (2,)


def test_row_groups_that_deletions_emptied_are_merged_when_told(counted: Settings) -> None:
    def groups() -> int:
        with duck.connect(counted.warehouse_path, counted, read_only=True) as connection:
            row = connection.execute("select count(distinct row_group_id) from pragma_storage_info('wide')").fetchone()
            assert row is not None
            return int(row[0])

    with duck.connect_at_once(counted.warehouse_path, counted) as connection:
        connection.execute("create table wide as select range as n from range(200000)")
    with duck.connect_at_once(counted.warehouse_path, counted) as connection:
        connection.execute("delete from wide where n % 10 != 0")
    assert groups() == 4
    with duck.connect_at_once(counted.warehouse_path, counted, tidy=True) as connection:
        connection.execute("insert into counted values (12)")
    assert groups() == 1
    assert _tables(counted) == {"counted": 11, "wide": 20_000}


SPILLS = """
import os, sys
from pathlib import Path
from orchestration import duck
from orchestration.settings import Settings
home = Path(sys.argv[1])
settings = Settings(home=home, landing=home, memory_limit="120MB", threads=2)
connection = duck.connect(":memory:", settings)
connection.execute("set enable_progress_bar = false")
query = "select sum(n) from (select row_number() over (order by hash(i)) as n from range(3000000) as t(i))"
print(connection.execute(query).fetchone()[0], flush=True)
sys.stdin.read()
"""


def test_no_two_connections_spill_into_one_folder(settings: Settings) -> None:
    """1 + 2 + ... + 3,000,000 is 4,500,001,500,000, in each of them; what a killed one leaves, the next takes away."""
    command = [sys.executable, "-c", SPILLS, str(settings.home)]
    started = [
        subprocess.Popen(command, cwd=PROJECT_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        assert [(one.stdout and one.stdout.readline()) for one in started] == ["4500001500000\n"] * 2
        with duck.connect(":memory:", settings):
            assert len(list(settings.tmp_dir.iterdir())) == 2
    finally:
        for one in started:
            one.kill()
            one.communicate()
    with duck.connect(":memory:", settings):
        assert list(settings.tmp_dir.iterdir()) == []
