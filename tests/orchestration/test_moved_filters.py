"""The filter to moved tenant months takes just the rows they name, however it is put."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import duckdb
import jinja2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.settings import PROJECT_DIR

NO_MONTH = "0001-01-01"
MONTHS = ["2023-11-01", "2023-12-01", "2024-01-01", "2024-05-01"]
TENANTS = ["tnt_1", "tnt_2", "tnt_3"]
Key = tuple[str, str]
Row = tuple[str | None, str | None]
ROWS: list[Row] = [(tenant, month) for tenant in (*TENANTS, None) for month in (*MONTHS, None)]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(
            "create schema ops; create table ops.moved_tenant_months (tenant_id varchar, billing_month date)"
        )
        opened.execute("create table kept (tenant_id varchar, billing_month date)")
        opened.executemany("insert into kept values (?, ?)", ROWS)
        yield opened


def _where(connection: duckdb.DuckDBPyConnection) -> str:
    """What the macro puts behind a from clause."""

    def run_query(query: str) -> SimpleNamespace:
        return SimpleNamespace(rows=connection.execute(query).fetchall())

    # What it calls of another file, and the macro itself.
    texts = [(PROJECT_DIR / f"macros/{name}.sql").read_text() for name in ("touched_months", "moved_tenant_months")]
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined)
    return environment.from_string("".join(texts) + "{{ where_moved() }}").render(
        execute=True, flags=SimpleNamespace(WHICH="run"), is_incremental=lambda: True, run_query=run_query
    )


def _is_moved(row: Row, moved: set[Key]) -> bool:
    tenant, month = row[0] or "", row[1] or NO_MONTH
    if ("*", NO_MONTH) in moved or (tenant, month) in moved:
        return True
    return row[1] is not None and ("*", month) in moved


# How long it takes is the machine's business: a busy one made it fail.
@settings(deadline=None)
@given(st.sets(st.tuples(st.sampled_from([*TENANTS, "", "*"]), st.sampled_from([*MONTHS, NO_MONTH]))))
@example(set())
@example({("*", "2024-01-01")})
@example({("*", "2023-11-01"), ("*", "2024-05-01")})
@example({("tnt_1", "2023-12-01"), ("*", "2024-05-01")})
@example({("tnt_1", "2024-01-01"), ("*", "2024-01-01")})
@example({("tnt_1", NO_MONTH), ("", "2024-01-01")})
@example({("*", NO_MONTH)})
def test_just_what_moved_is_taken(connection: duckdb.DuckDBPyConnection, moved: set[Key]) -> None:
    connection.execute("delete from ops.moved_tenant_months")
    for key in moved:
        connection.execute("insert into ops.moved_tenant_months values (?, ?)", key)
    found = connection.execute(
        f"select tenant_id, billing_month::varchar from kept {_where(connection)} order by all"
    ).fetchall()
    expected = [row for row in ROWS if _is_moved(row, moved)]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_whole_month_is_said_by_its_bounds_alone(connection: duckdb.DuckDBPyConnection) -> None:
    """A look-up of pairs would have every row of history read."""
    connection.execute("delete from ops.moved_tenant_months")
    connection.execute("insert into ops.moved_tenant_months values ('*', '2024-01-01')")
    text = _where(connection)
    assert "billing_month between date '2024-01-01' and date '2024-01-01'" in text
    assert "select" not in text
