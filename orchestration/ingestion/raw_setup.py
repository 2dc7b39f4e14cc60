"""What a build file needs before anything is taken in: the raw relations, and a former store taken over once."""

from __future__ import annotations

import duckdb

from orchestration.ingestion.former_store import take_over
from orchestration.ingestion.raw_schema import (
    FILE_FINDINGS_DDL,
    OPS_DDL,
    RAW_VIEWS_DDL,
    RECEIPTS_DDL,
    SEEN_DDL,
    define_raw_views,
    has_relation,
)
from orchestration.settings import Settings


def ensure_raw_relations(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create every raw relation that is missing; safe to repeat, changes no data.

    Raises MeterhouseError where the raw store was written by a loader this one cannot take over from.
    """
    if not has_relation(connection, "ops", "raw_views"):
        for schema in ("raw", "ops"):
            connection.execute(f"create schema if not exists {schema}")
        for ddl in (RECEIPTS_DDL, FILE_FINDINGS_DDL, SEEN_DDL, *OPS_DDL[:-1]):
            connection.execute(ddl)
        take_over(connection, settings)
        connection.execute(RAW_VIEWS_DDL)
    define_raw_views(connection, settings)
