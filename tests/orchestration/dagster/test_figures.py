"""What is told of tables to Dagster is counted."""

from __future__ import annotations

from orchestration import duck
from orchestration.graph import figures
from orchestration.settings import Settings


def test_rows_that_were_deleted_are_not_counted(settings: Settings) -> None:
    """Of 1,000 rows those of one digit, a tenth, are replaced three times: there are 1,000."""
    with duck.connect_at_once(settings.warehouse_path, settings) as connection:
        connection.execute("create schema marts; create view marts.v as select 1 as one")
        connection.execute("create table marts.t as select i % 10 as digit from range(1000) as numbers(i)")
    for _ in range(3):
        with duck.connect_at_once(settings.warehouse_path, settings) as connection:
            connection.execute("delete from marts.t where digit = 3; insert into marts.t select 3 from range(100)")
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        assert figures.tables_there(connection) == {"marts.t"}
        assert figures.row_count(connection, "marts.t") == {"dagster/row_count": 1000}
