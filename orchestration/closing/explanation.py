"""Why a line is this amount: its sentence of arithmetic and the exact records behind it.

Closed lines are explained from the evidence their close kept, drafts from the records as they are;
both are the same view of records, so that what a draft says is what its close will keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration import duck
from orchestration.closing import ledger
from orchestration.closing.evidence import (
    COUNTS_NAME,
    FILE_NAME,
    counts_of,
    kept_so_far,
    netted,
    standing_records,
    view_evidence,
)
from orchestration.closing.ledger import Entry
from orchestration.closing.ledger_relations import ensure_ledger_relations
from orchestration.closing.scope import closes
from orchestration.errors import MeterhouseError, WarehouseBusy
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

SHOWN_RECORDS = 20
RECORD_COLUMNS = ("fate", "fate_reason", "source", "record_key", "occurred_at", "quantity", "raw_rows")


@dataclass(frozen=True)
class Explained:
    """A line and the records behind it.

    `counts` and `left_out` are (fate, reason, records, raw rows): of the line itself, and of what was
    excluded or held from the same meter of the tenant's month. `records` are the line's first ones.
    """

    line: dict[str, Any]
    origin: str
    counts: list[tuple[str, str, int, int]]
    records: list[dict[str, Any]]
    left_out: list[tuple[str, str, int, int]]

    @property
    def sentence(self) -> str:
        return str(self.line["explanation"])


def explain_line(settings: Settings, line_id: str, limit: int | None = SHOWN_RECORDS) -> Explained:
    """Explain one line, draft or closed; `limit` caps the records listed, None lists all.

    Raises MeterhouseError for a line that does not exist, WarehouseBusy for a draft while a run builds.
    """
    found = ledger.entries(settings)
    return (
        _explain_closed(settings, found, line_id, limit)
        or _explain_draft(settings, found, line_id, limit)
        or _unknown(line_id)
    )


def _unknown(line_id: str) -> Explained:
    raise MeterhouseError(
        f"there is no line {line_id!r}", 'Find ids: meterhouse sql "select line_id from fct_invoice_lines".'
    )


def _explain_closed(settings: Settings, found: list[Entry], line_id: str, limit: int | None) -> Explained | None:
    closed = closes(found)
    # A line id holds the month of its invoice; one of a correction also that of the usage.
    for entry in (e for e in closed if f"/{e.body['month']}/" in line_id):
        with duck.connect(":memory:", settings) as connection:
            ensure_ledger_relations(connection, settings, [entry])
            line = _line(connection, "ledger.closed_lines", line_id)
            if line is None:
                continue
            folder = ledger.ledger_dir(settings) / entry.folder_name
            evidence, counts = (f"read_parquet({sql_text(str(folder / name))})" for name in (FILE_NAME, COUNTS_NAME))
            origin = f"ledger entry {entry.sequence}, closed {entry.recorded_at} by {entry.recorded_by}"
            explained = _explained(connection, line, evidence, counts, limit, origin)
            if explained.counts or not moves_no_record(line):
                return explained
            stood = netted(kept_so_far(settings, closed[: closed.index(entry) + 1]).records)
            return _explained_by_standing(connection, line, stood, limit, origin)
    return None


def _explain_draft(settings: Settings, found: list[Entry], line_id: str, limit: int | None) -> Explained | None:
    if not settings.warehouse_path.exists():
        return None
    try:
        connection = duck.connect(settings.warehouse_path, settings, read_only=True)
    except duckdb.IOException as error:
        raise WarehouseBusy(
            "a run is building; drafts cannot be explained until it ends", "Try again in a minute."
        ) from error
    with connection:
        try:
            line = _line(connection, "marts.fct_invoice_lines", line_id)
        except duckdb.CatalogException:
            return None
        if line is None:
            return None
        connection.execute(
            # The whole invoice, as at its close: a line's records may stand on another (`shares_records`).
            "create temp table closing_lines as select * from marts.fct_invoice_lines where invoice_id = ?",
            [line["invoice_id"]],
        )
        connection.execute(
            "create temp table closing_months as select tenant_id, usage_month from closing_lines where line_id = ?",
            [line_id],
        )
        view_evidence(connection, kept_so_far(settings, found))
        ordered = "(select * from closing_evidence order by occurred_at, source, record_key)"
        counts = f"({counts_of('closing_evidence')})"
        origin = "the current draft"
        explained = _explained(connection, line, ordered, counts, limit, origin)
        if explained.counts or not moves_no_record(line):
            return explained
        return _explained_by_standing(connection, line, standing_records(connection), limit, origin)


def _line(connection: duckdb.DuckDBPyConnection, relation: str, line_id: str) -> dict[str, Any] | None:
    rows = _named(connection, f"select * from {relation} where line_id = $line_id", {"line_id": line_id})
    return rows[0] if rows else None


def _named(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    result = connection.execute(query, values)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _explained(
    connection: duckdb.DuckDBPyConnection,
    line: dict[str, Any],
    evidence: str,
    counts: str,
    limit: int | None,
    origin: str,
    *,
    by_key: bool = False,
) -> Explained:
    """`evidence` gives a line's records in order of time: a file is read from their place in it, and no further.

    With `by_key` they are all that is charged for under the line's price key, on whatever line it stands.
    """
    month: dict[str, Any] = {"tenant": line["tenant_id"], "month": line["usage_month"]}
    meter, values = "meter = $meter", {"key": line["price_key"]}
    if line["meter"] == "whatsapp_fee":
        meter = "meter in ('whatsapp_conversation', 'whatsapp_message')"
    else:
        month |= {"meter": line["meter"]}
    if by_key or shares_records(line):
        mine = f"{meter} and price_key = $key and charge_category = 'usage'"
    else:
        mine = f"{meter} and price_key = $key and line_id = $line"
        values |= {"line": line["line_id"]}
    here = "tenant_id = $tenant and usage_month = $month"
    counted = f"select fate, fate_reason, sum(record_count)::bigint, sum(raw_rows)::bigint from {counts} where {here}"
    grouped = "group by 1, 2 order by 1, 2"
    return Explained(
        line,
        origin,
        connection.execute(f"{counted} and {mine} {grouped}", month | values).fetchall(),
        _named(
            connection,
            f"select {', '.join(RECORD_COLUMNS)} from {evidence} where {here} and {mine}"
            + ("" if limit is None else f" limit {int(limit)}"),
            month | values,
        ),
        connection.execute(
            f"{counted} and {meter} and fate in ('excluded', 'quarantined') {grouped}", month
        ).fetchall(),
    )


def _explained_by_standing(
    connection: duckdb.DuckDBPyConnection, line: dict[str, Any], records: str, limit: int | None, origin: str
) -> Explained:
    """The records that stood when a line came about that moved none of them."""
    ordered = f"(select * from {records} order by occurred_at, source, record_key)"
    return _explained(connection, line, ordered, f"({counts_of(records)})", limit, origin, by_key=True)


def moves_no_record(line: dict[str, Any]) -> bool:
    """Whether a correction may have no records of its own.

    An Order's pool or a fee agreed late charges otherwise for records that are what and where they were.
    """
    return line["charge_class"] == "correction" and line["raw_rows"] == 0


def shares_records(line: dict[str, Any]) -> bool:
    """Whether a line's records stand on other lines: a fee's on those of its units, and what an Order's pool takes
    of a price version only in part on the line of the rest."""
    return line["meter"] == "whatsapp_fee" or (line["price_id"] == "order_pool" and line["raw_rows"] == 0)


def lines_without_records(settings: Settings) -> list[str]:
    """Closed lines that no record explains: there must be none.

    What an Order's pool takes in part, and fees, stand on records of other lines, be it of an earlier close:
    a correction that moves units into the pool or out of it, or a fee's price, moves no record.
    """
    closed = closes(ledger.entries(settings))
    if not closed:
        return []

    def of_all(name: str) -> str:
        return " union all by name ".join(
            f"select *, {entry.sequence} as sequence "
            f"from read_parquet({sql_text(str(ledger.ledger_dir(settings) / entry.folder_name / name))})"
            for entry in closed
        )

    with duck.connect(":memory:", settings) as connection:
        rows = connection.execute(
            f"""with lines as ({of_all("lines.parquet")}),
            counts as ({of_all(COUNTS_NAME)}),
            unexplained as (select * from lines anti join counts using (sequence, line_id)),
            pooled as (
                select tenant_id, usage_month, meter, price_key, min(sequence) as since
                from lines where price_id = 'order_pool' group by all
            )
            select l.line_id
            from unexplained as l
            left join pooled as p
                on l.tenant_id = p.tenant_id and l.usage_month = p.usage_month
                and l.meter = p.meter and l.price_key = p.price_key and l.sequence >= p.since
            where not exists (
                select 1 from counts as c
                where c.sequence <= l.sequence and c.tenant_id = l.tenant_id and c.usage_month = l.usage_month
                    and c.price_key = l.price_key and c.charge_category = 'usage'
                    and (
                        (p.tenant_id is not null and l.raw_rows = 0 and c.meter = l.meter)
                        or (l.meter = 'whatsapp_fee' and c.meter like 'whatsapp%')
                    )
            )
            order by l.sequence, l.line_id"""
        ).fetchall()
    return [line for (line,) in rows]
