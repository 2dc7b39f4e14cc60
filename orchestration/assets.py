"""The asset graph: raw extracts, dbt models with their checks, verdict, release, invoices by month.

Thin on purpose: every step is a function of pipeline.py, so that no door to publishing differs
from another. What an asset is called and where it shows is decided here.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration import duck, pipeline
from orchestration.errors import BuildFailed
from orchestration.ingestion.landing import Receipt
from orchestration.ingestion.sources import SOURCES
from orchestration.partitions import billing_months
from orchestration.publishing.changes import Moved, moved_with
from orchestration.publishing.release import current_release, publish
from orchestration.quality import verdict as verdicts
from orchestration.quality.content_hash import candidate_hashes, combine
from orchestration.quality.suites import candidate_suites
from orchestration.quality.verdict import Check
from orchestration.resources import Installation
from orchestration.settings import Settings
from orchestration.warehouse.writer_lock import writer_lock

OWNERS = ["team:billing"]
VERDICT_KEY = dg.AssetKey(["quality", "verdict"])
RELEASE_KEY = dg.AssetKey(["publishing", "release"])


def _group(node: dict[str, Any]) -> str:
    parts = Path(node["path"]).parts
    if parts[0] == "intermediate":
        return parts[1]
    return "marts" if parts[0] == "marts" else parts[0]


def _key(unique_id: str, manifest: dict[str, Any]) -> dg.AssetKey:
    if unique_id.startswith("source."):
        return dg.AssetKey(["raw", manifest["sources"][unique_id]["name"]])
    node = manifest["nodes"][unique_id]
    return dg.AssetKey([node["schema"], node["name"]])


def _landing_metadata(receipts: list[Receipt]) -> dict[str, Any]:
    records = [
        dg.TableRecord(
            {
                "file": r.file_name,
                "status": r.status,
                "rows": r.rows_total,
                "accepted": r.rows_accepted,
                "quarantined": r.rows_quarantined,
                "reason": r.reason,
                "remedy": r.remedy,
            }
        )
        for r in receipts
    ]
    return {
        "files": len(receipts),
        "rows_accepted": sum(r.rows_accepted for r in receipts),
        "rows_quarantined": sum(r.rows_quarantined for r in receipts),
        "refused": len([r for r in receipts if r.status == "refused"]),
        **({"receipts": dg.TableMetadataValue(records, _schema(records[0]))} if records else {}),
    }


def _schema(record: dg.TableRecord) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(name) for name in record.data])


@dg.multi_asset(
    name="take_in_landing",
    specs=[
        dg.AssetSpec(
            ["raw", name],
            group_name="raw",
            owners=OWNERS,
            kinds={"duckdb", "parquet"},
            description=f"Typed rows of every accepted file of {name}, with a receipt per file.",
        )
        for name in SOURCES
    ],
)
def raw_extracts(context: dg.AssetExecutionContext, installation: Installation) -> Iterator[dg.MaterializeResult]:
    """Pull landing/ into the raw store; one bad file or row stops nothing else."""
    settings = installation.settings()
    with writer_lock(settings):
        report = pipeline.take_in(settings, context.log.debug)
    for receipt in report.findings:
        context.log.warning(f"refused {receipt.source}/{receipt.file_name}: {receipt.reason}. {receipt.remedy}")
    for name in SOURCES:
        mine = [receipt for receipt in report.receipts if receipt.source == name]
        yield dg.MaterializeResult(["raw", name], metadata=_landing_metadata(mine))


def build_warehouse_asset(manifest: dict[str, Any]) -> dg.AssetsDefinition:
    """One asset per dbt model and seed, with its data tests and the suites as checks, and the verdict."""
    specs, check_specs = [], []
    relations = {}
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] not in ("model", "seed"):
            continue
        key = _key(unique_id, manifest)
        relations[node["name"]] = key
        deps = node["depends_on"].get("nodes", [])
        specs.append(
            dg.AssetSpec(
                key,
                deps=[_key(dep, manifest) for dep in dict.fromkeys(deps) if _known(dep)],
                group_name=_group(node) if node["resource_type"] == "model" else "seeds",
                owners=OWNERS,
                kinds={"dbt", "duckdb"},
                description=node["description"],
                metadata={"dagster/column_schema": _columns(node)},
            )
        )
    for node in manifest["nodes"].values():
        attached = node.get("attached_node")
        if node["resource_type"] == "test" and attached and attached in manifest["nodes"]:
            check_specs.append(dg.AssetCheckSpec(node["name"], asset=_key(attached, manifest), blocking=True))
    for suite in candidate_suites():
        asset = relations[suite.relation.split(".")[1]]
        check_specs += [
            dg.AssetCheckSpec(e.name, asset=asset, blocking=True, description=e.remedy) for e in suite.expectations
        ]
    # Dagster wants outputs in dependency order.
    by_key = {spec.key: spec for spec in specs}
    graph = {spec.key: {dep.asset_key for dep in spec.deps} & by_key.keys() for spec in specs}
    specs = [by_key[key] for key in TopologicalSorter(graph).static_order()]
    marts = [spec.key for spec in specs if spec.key.path[0] == "marts"]
    specs.append(
        dg.AssetSpec(
            VERDICT_KEY,
            deps=marts,
            group_name="quality",
            owners=OWNERS,
            kinds={"greatexpectations"},
            description="All checks of the candidate joined, bound to its content hash.",
        )
    )
    # The library judges once, after the models: one load of it, so its word on raw stands here.
    check_specs += [
        dg.AssetCheckSpec(
            f"arriving_{name}", asset=VERDICT_KEY, blocking=True, description=f"Great Expectations suite of raw.{name}."
        )
        for name in SOURCES
    ]

    @dg.multi_asset(name="build_and_judge", specs=specs, check_specs=check_specs)
    def warehouse(context: dg.AssetExecutionContext, installation: Installation) -> Iterator[Any]:
        settings = installation.settings()
        report = pipeline.RunReport()
        try:
            with writer_lock(settings):
                pipeline.build_and_judge(settings, context.log.info, report)
        except BuildFailed as error:
            raise dg.Failure(f"{error} {error.remedy}", allow_retries=False) from error
        verdict = report.verdict or _standing(settings)
        counts = _row_counts(settings)
        note = "nothing new: models not run again" if report.models_run == 0 else ""
        for spec in specs[:-1]:
            metadata: dict[str, Any] = {"note": note} if note else {}
            if (rows := counts.get(spec.key.path[-1])) is not None:
                metadata["dagster/row_count"] = rows
            yield dg.MaterializeResult(spec.key, metadata=metadata)
        yield dg.MaterializeResult(
            VERDICT_KEY,
            metadata={
                "passed": verdict.passed,
                "candidate_hash": verdict.candidate_hash,
                "checks": len(verdict.checks),
                "failed": len(verdict.failed),
                "touched_months": ", ".join(report.touched_months) or "none",
            },
        )
        yield from _check_results(verdict.checks, check_specs)

    return warehouse


def _known(unique_id: str) -> bool:
    return unique_id.startswith(("model.", "seed.")) or (
        unique_id.startswith("source.") and unique_id.rsplit(".", 1)[-1] in SOURCES
    )


def _columns(node: dict[str, Any]) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(column["name"], type=column.get("data_type") or "", description=column["description"])
            for column in node["columns"].values()
        ]
    )


def _standing(settings: Settings) -> verdicts.Verdict:
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        found = verdicts.find(connection, combine(candidate_hashes(connection)))
    if found is None:
        raise dg.Failure("the candidate was not judged as it stands", allow_retries=False)
    return found


def _row_counts(settings: Settings) -> dict[str, int]:
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        rows = connection.execute("select table_name, estimated_size from duckdb_tables()").fetchall()
    return dict(rows)


def _check_results(checks: tuple[Check, ...], specs: list[dg.AssetCheckSpec]) -> Iterator[dg.AssetCheckResult]:
    by_name = {check.name: check for check in checks}
    for spec in specs:
        source = spec.name.removeprefix("arriving_")
        if spec.asset_key == VERDICT_KEY and source in SOURCES:
            mine = [check for check in checks if check.subject == f"raw.{source}"]
            yield _joined(spec, mine, "nothing of this source ever arrived")
        else:
            mine = [by_name[spec.name]] if spec.name in by_name else []
            yield _joined(spec, mine, "")


def _joined(spec: dg.AssetCheckSpec, checks: list[Check], when_none: str) -> dg.AssetCheckResult:
    """One result for the checks behind a spec. None at all passes only where that is said to be right."""
    failed = [check for check in checks if not check.passed]
    return dg.AssetCheckResult(
        passed=not failed if checks else bool(when_none),
        check_name=spec.name,
        asset_key=spec.asset_key,
        metadata={
            "checks": len(checks),
            "observed": "; ".join(check.observed for check in checks if check.observed)
            or (when_none if not checks else "as expected")
            or "not evaluated",
            "failing_rows": ", ".join(key for check in failed for key in check.failing_keys),
            "remedy": " ".join(check.remedy for check in failed) or ("" if checks or when_none else "Run again."),
        },
    )


def moved_metadata(moved: list[Moved]) -> dict[str, Any]:
    """What moved since the release before, as a table of the UI."""
    records = [dg.TableRecord(asdict(row)) for row in moved]
    return {
        "lines_moved": sum(row.lines for row in moved),
        **({"moved": dg.TableMetadataValue(records, _schema(records[0]))} if records else {}),
    }


@dg.asset(
    key=RELEASE_KEY,
    deps=[VERDICT_KEY],
    group_name="publishing",
    owners=OWNERS,
    kinds={"duckdb", "parquet"},
    description="The read-only release analysts and finance read; refuses without a passing verdict.",
)
def release(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    settings = installation.settings()
    with writer_lock(settings):
        published = publish(settings)
    context.log.info(f"serving release {published.release_id}")
    with duck.connect(published.database, settings, read_only=True) as connection:
        moved = moved_with(connection, published.release_id)
    return dg.MaterializeResult(
        metadata={
            "release_id": published.release_id,
            "content_hash": published.content_hash,
            "database": dg.MetadataValue.path(str(published.database)),
            "nothing_changed": not published.is_new,
            **moved_metadata(moved),
        }
    )


@dg.asset(
    key=["publishing", "invoices"],
    deps=[RELEASE_KEY],
    partitions_def=billing_months,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="publishing",
    owners=OWNERS,
    kinds={"duckdb"},
    description="A billing month's published invoices: how many, what they add up to.",
)
def invoices(context: dg.AssetExecutionContext, installation: Installation) -> None:
    settings = installation.settings()
    served = current_release(settings)
    if served is None:
        raise dg.Failure("nothing is published yet: materialise the release first", allow_retries=False)
    with duck.connect(served.database, settings, read_only=True) as connection:
        for month in context.partition_keys:
            rows = connection.execute(
                "select currency_code, count(*), sum(billed_amount)::varchar from marts.fct_invoices "
                "where strftime(billing_month, '%Y-%m') = ? group by 1 order by 1",
                [month],
            ).fetchall()
            context.add_asset_metadata(
                {
                    "invoices": sum(int(count) for _, count, _ in rows),
                    "totals": json.dumps({currency: amount for currency, _, amount in rows}),
                    # A plot's value, never an amount anybody is billed.
                    **{f"billed_{currency}": float(amount) for currency, _, amount in rows},
                    "release_id": served.release_id,
                },
                partition_key=month,
            )
