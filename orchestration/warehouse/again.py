"""Computing months again on purpose: marked in the build file before a build, recorded with its reason.

Marking is all that is done here: the months are noted as touched for every source, and the models that hold
months as unfinished, so that the next build, this one or the one after a crash, runs them. What comes out
follows from inputs and project alone; so months computed again hold what they held, or something was wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import duckdb

from orchestration import clock
from orchestration.errors import MeterhouseError
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text, sql_values
from orchestration.warehouse.fingerprint import project_hash
from orchestration.warehouse.project import Project
from orchestration.warehouse.state import months_named

DDL = (
    "create table if not exists ops.reruns (rerun integer, months varchar, tenants varchar, models varchar, "
    "reason varchar, project_hash varchar, requested_at varchar)"
)
ALIKE = 0.6
MONTHS_SHOWN = 12
# Described tenants, and those that only an account or a number tells of: all that are billed.
TENANTS = "intermediate.int_gen_08__tenant_currencies"
MONTHS = (
    "select billing_month from marts.rpt_record_fates union select usage_month from marts.fct_invoice_lines "
    "union select billing_month from marts.fct_invoice_lines"
)


@dataclass(frozen=True)
class Again:
    """What to compute again: months as 2024-11, for all tenants or those named, or single models by name.

    A month is metered again upon what is kept of its records; a model is built from nothing, and so is what stands on
    it and is built with it. `reason` is recorded in ops.reruns. Months of a `stretch` are not named one by one: some of
    them may hold nothing.
    """

    months: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    reason: str = ""
    models: tuple[str, ...] = ()
    stretch: bool = False


@dataclass
class Marked:
    """What was marked, and files taken in before that no build has metered yet: they are built with it.

    `models` are the ids of those named and of all that stands on them: what of them is built is built from nothing.
    """

    again: Again
    new_files: list[str] = field(default_factory=list)
    models: frozenset[str] = frozenset()

    def other_months(self, touched: Sequence[str]) -> list[str]:
        """Months, as 2024-11, that the build touched beside those asked for."""
        return [month for month in months_named(touched) if month not in self.again.months]


def mark(connection: duckdb.DuckDBPyConnection, settings: Settings, project: Project, again: Again) -> Marked:
    """Note in the build file what the build about to start must compute again. Call before models are selected.

    Raises MeterhouseError for a month, tenant or model that is not there.
    """
    files = _files_not_metered(connection)
    if not files:  # these may be of any month
        _demand_months(connection, again)
    _demand_tenants(connection, again.tenants)
    named = _models_named(project, again.models)
    keys = set(named)
    if again.months:
        keys |= {node.unique_id for node in project.of_kind("model") if "billing_month" in node.raw["columns"]}
    connection.execute("begin")
    _note(connection, settings, again)
    if again.months:
        rows = ", ".join(
            f"({sql_text(source)}, date '{month}-01')" for source in sorted(SOURCES) for month in again.months
        )
        connection.execute(f"insert into ops.touched_months (source, billing_month) values {rows}")
        _rate_again(connection, again)
    if again.models:
        # Below a model that is computed from nothing every tenant's month is.
        connection.execute("insert into ops.moved_tenant_months values ('*', date '0001-01-01')")
    if keys:
        connection.execute("create table if not exists ops.unfinished_nodes (unique_id varchar)")
        connection.execute(
            f"insert into ops.unfinished_nodes values {', '.join(f'({sql_text(key)})' for key in sorted(keys))}"
        )
    # Until it is built, what stands is not current: a run that fails leaves work for the next one.
    connection.execute("update ops.builds set seeds_hash = ''")
    connection.execute("commit")
    return Marked(again, files, frozenset(project.with_descendants(named)))


def _rate_again(connection: duckdb.DuckDBPyConnection, again: Again) -> None:
    """Metered again is a month whole; priced and invoiced again are the months of the tenants named, or of all."""
    tenants = again.tenants or ("*",)
    rows = ", ".join(f"({sql_text(tenant)}, date '{month}-01')" for tenant in tenants for month in again.months)
    connection.execute(f"insert into ops.moved_tenant_months values {rows}")


def _note(connection: duckdb.DuckDBPyConnection, settings: Settings, again: Again) -> None:
    connection.execute(DDL)
    row = connection.execute("select coalesce(max(rerun), 0) + 1 from ops.reruns").fetchone()
    told = sql_values(
        row[0] if row else 1,
        ", ".join(again.months),
        ", ".join(again.tenants),
        ", ".join(again.models),
        again.reason,
        project_hash(settings),
        clock.utc_now().isoformat(timespec="seconds"),
    )
    connection.execute(f"insert into ops.reruns values {told}")


def _files_not_metered(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select source || '/' || file_name from raw.receipts where status = 'accepted' "
        "and load_batch > (select coalesce(max(load_batch), 0) from ops.metered_batches) order by all"
    ).fetchall()
    return [name for (name,) in rows]


def _demand_months(connection: duckdb.DuckDBPyConnection, again: Again) -> None:
    try:
        rows = connection.execute(f"select distinct strftime(billing_month, '%Y-%m') from ({MONTHS}) order by 1")
    except duckdb.CatalogException:
        return  # nothing was built: all of it will be
    known = [month for (month,) in rows.fetchall() if month]
    unknown = [month for month in again.months if month not in known]
    if not unknown or (again.stretch and len(unknown) < len(again.months)):
        return
    shown = known[-MONTHS_SHOWN:]
    raise MeterhouseError(
        f"nothing was ever metered in {', '.join(unknown)}: there is nothing to recompute",
        f"Known months: {', '.join(shown)}{' and earlier ones' if len(known) > len(shown) else ''}."
        if known
        else "No month is known yet: land files, then run `meterhouse run`.",
    )


def _demand_tenants(connection: duckdb.DuckDBPyConnection, tenants: Sequence[str]) -> None:
    if not tenants:
        return
    try:
        known = {str(key) for (key,) in connection.execute(f"select distinct tenant_id from {TENANTS}").fetchall()}
    except duckdb.CatalogException:
        raise MeterhouseError("no tenant is known yet: nothing was ever built", "Run `meterhouse run` first.") from None
    for tenant in tenants:
        if tenant not in known:
            raise MeterhouseError(f"there is no tenant {tenant!r}", _suggestion(tenant, known))


def _models_named(project: Project, names: Sequence[str]) -> set[str]:
    by_name = {node.name: node.unique_id for node in project.nodes.values() if node.kind in ("model", "seed")}
    for name in names:
        if name not in by_name:
            raise MeterhouseError(f"there is no model {name!r}", _suggestion(name, set(by_name)))
    return {by_name[name] for name in names}


def _suggestion(name: str, known: set[str]) -> str:
    likeness = [(-SequenceMatcher(None, name, other).ratio(), other) for other in known]
    near = [other for unlike, other in sorted(likeness)[:3] if -unlike > ALIKE]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Known names: {', '.join(sorted(known)[:10])}{' and others' if len(known) > 10 else ''}."
