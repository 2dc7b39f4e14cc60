"""The seal of a verdict: that it is the one the gate gave, on this candidate, by this project and this writer.

Whoever edits the build file can write a verdict into it. The seal is a keyed hash (HMAC-SHA256) over the
verdict's text, the sums of the marts kept with it, the project that was judged and the number of the writer that
judged; the key lies beside the build file, readable by its owner alone, and never in it. It keeps out what goes
through the database. Who may read the key has the rights of the pipeline itself, and is kept out by the operating
system or not at all.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from orchestration.quality import kept_sums
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

DDL = "create table if not exists ops.verdict_seals (project_sha256 varchar, writer_number bigint, seal varchar)"


@dataclass(frozen=True)
class Seal:
    """What a sound seal says beside the verdict: the project judged, and the writer that judged."""

    project_sha256: str
    writer_number: int


def keep(connection: duckdb.DuckDBPyConnection, settings: Settings, project_sha256: str, writer_number: int) -> None:
    """Seal the verdict that stands. Call in the transaction that keeps it."""
    connection.execute(DDL)
    connection.execute("delete from ops.verdict_seals")
    value = _seal(_key(settings, make=True), _verdict(connection), project_sha256, writer_number)
    connection.execute(
        f"insert into ops.verdict_seals values ({sql_text(project_sha256)}, {int(writer_number)}, {sql_text(value)})"
    )


def find(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Seal | None:
    """The seal of the verdict that stands; None where there is none, or it is not that verdict's. Reads only."""
    try:
        row = connection.execute("select project_sha256, writer_number, seal from ops.verdict_seals").fetchone()
        told = _verdict(connection)
    except duckdb.CatalogException:
        return None
    key = _key(settings)
    if row is None or not key:
        return None
    project_sha256, writer_number, value = row
    if not hmac.compare_digest(_seal(key, told, project_sha256, writer_number), str(value)):
        return None
    return Seal(project_sha256, writer_number)


def _verdict(connection: duckdb.DuckDBPyConnection) -> str:
    # Every row and column: a second row, or a flag turned, is another verdict.
    rows = connection.execute("select candidate_hash, passed, body from ops.verdicts order by all").fetchall()
    return f"{rows!r}\n{kept_sums.sealed_text(connection)}"


def _seal(key: bytes, verdict: str, project_sha256: str, writer_number: int) -> str:
    text = "\n".join((project_sha256, str(writer_number), verdict))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _key(settings: Settings, *, make: bool = False) -> bytes:
    path = settings.home / "verdict.key"
    with suppress(FileNotFoundError):
        if found := path.read_bytes():
            return found
    if not make:
        return b""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(32))
    return path.read_bytes()
