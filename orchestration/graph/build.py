"""The step that takes in, builds and judges: one step, so that no selection can leave checks out.

Whatever is selected in the UI, the same function runs and the same checks are judged; the selection decides
what is computed again on purpose. Told is what happened: an asset is materialized when it was made, month by
month where it holds months, whether or not it was selected.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import dagster as dg
from pydantic import Field

from orchestration import duck, pipeline
from orchestration.closing import ledger
from orchestration.closing.scope import closed_until
from orchestration.graph import checks, figures
from orchestration.graph.clause_texts import ClauseTexts
from orchestration.graph.keys import BOOK_KEYS, INVOICES_MART, RAW_KEYS, VERDICT_KEY
from orchestration.graph.specs import Lineage, node_specs, raw_specs, verdict_spec
from orchestration.graph.steps import WRITER_POOL, in_plain_words, months_of, sole_writer
from orchestration.graph.tables import failed_metadata, receipts_metadata
from orchestration.ingestion.landing import IngestReport
from orchestration.ingestion.sources import SOURCES
from orchestration.partitions import billing_months
from orchestration.quality import verdict as verdicts
from orchestration.quality.content_hash import candidate_hashes, combine
from orchestration.quality.gx_runner import SuiteRunner
from orchestration.quality.verdict import Verdict
from orchestration.quality_page.shown import page_metadata
from orchestration.resources import Installation
from orchestration.settings import Settings
from orchestration.warehouse.again import Again
from orchestration.warehouse.state import EVERY_MONTH, months_named, newest_batch

STEP = "build_and_judge"
TAKEN_IN_KEYS = {*RAW_KEYS.values(), *BOOK_KEYS.values()}


class ComputeAgain(dg.Config):
    """Run config of a rerun: what it is for, and whom."""

    tenants: list[str] = Field(
        default_factory=list,
        description="Tenants whose months are priced and invoiced again; each must exist. The whole month is metered "
        "again either way.",
    )
    reason: str = Field(default="", description="Why; recorded in ops.reruns and shown with the verdict.")


def build_warehouse_asset(manifest: dict[str, Any], texts: ClauseTexts, lineage: Lineage) -> dg.AssetsDefinition:
    """Raw relations, seeds, models with their checks, and the verdict, as the one step that makes them."""
    nodes = node_specs(manifest, texts, lineage)
    marts = [spec.key for spec in nodes if spec.key.path[0] == "marts"]
    check_specs = checks.check_specs(manifest)

    @dg.multi_asset(
        name=STEP,
        specs=[*raw_specs(), *nodes, verdict_spec(marts)],
        check_specs=check_specs,
        can_subset=True,
        pool=WRITER_POOL,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def warehouse(context: dg.AssetExecutionContext, config: ComputeAgain, installation: Installation) -> Iterator[Any]:
        settings = installation.settings()
        selected = context.selected_asset_keys
        months = months_of(context)
        again = _again(config, months, selected)
        report = pipeline.RunReport()
        with sole_writer(settings, context.log):
            yield from _run(context, settings, report, again)
            if selected <= TAKEN_IN_KEYS:
                return
            verdict = report.verdict or _standing(settings)
            told = _Told(settings, manifest, {spec.key: spec for spec in nodes}, report)
            yield from _as_outputs(context, told.materializations(months))
            for evaluation in checks.evaluations(verdict, check_specs):
                yield evaluation.result if evaluation.key in context.selected_asset_check_keys else evaluation.event
            metadata = _verdict_metadata(settings, verdict, report)
        if VERDICT_KEY in selected:
            yield dg.MaterializeResult(VERDICT_KEY, metadata=metadata)
        else:
            yield dg.AssetMaterialization(VERDICT_KEY, metadata=metadata)
        if not verdict.passed:
            raise _refusal(verdict)

    return warehouse


def _as_outputs(
    context: dg.AssetExecutionContext, made: Iterator[dg.AssetMaterialization]
) -> Iterator[dg.AssetMaterialization | dg.MaterializeResult[Any]]:
    """What was made, as events; and as an output, by month, where a later step of the run has it as its input."""
    months: dict[str, dict[str, Any]] = {}
    selected = INVOICES_MART in context.selected_asset_keys
    for event in made:
        if selected and event.asset_key == INVOICES_MART and event.partition in months_of(context):
            months[event.partition or ""] = dict(event.metadata)
        else:
            yield event
    if months:
        for month, metadata in months.items():
            context.add_asset_metadata(metadata, asset_key=INVOICES_MART, partition_key=month)
        yield dg.MaterializeResult(INVOICES_MART)


def _again(config: ComputeAgain, months: Sequence[str], selected: set[dg.AssetKey]) -> Again | None:
    """What the selection and the run config ask to compute again: months, or else single models."""
    if months:
        return Again(tuple(months), tuple(config.tenants), config.reason, stretch=len(months) > 1)
    models = tuple(sorted(key.path[-1] for key in selected - TAKEN_IN_KEYS - {VERDICT_KEY}))
    if models:
        return Again(tenants=tuple(config.tenants), reason=config.reason, models=models)
    if config.tenants:
        raise dg.Failure(
            "tenants are named, but no month to recompute. Start the run for a month (the partition), with the tenants "
            "in the run config.",
            allow_retries=False,
        )
    return None


def _run(
    context: dg.AssetExecutionContext, settings: Settings, report: pipeline.RunReport, again: Again | None
) -> Iterator[dg.AssetMaterialization]:
    """Take in what landed where that is selected, then build and judge; plain failures."""
    selected = context.selected_asset_keys
    with in_plain_words(), ExitStack() as ending:
        ready = None
        if selected & TAKEN_IN_KEYS:
            if not selected <= TAKEN_IN_KEYS:
                ready = ending.enter_context(SuiteRunner(settings))
            report.ingest = pipeline.take_in(settings, context.log.debug, ready)
            yield from _taken_in(context, report.ingest)
        if not selected <= TAKEN_IN_KEYS:
            pipeline.build_and_judge(settings, context.log.info, report, ready, again)


def _taken_in(context: dg.AssetExecutionContext, ingest: IngestReport) -> Iterator[dg.AssetMaterialization]:
    for receipt in ingest.findings:
        context.log.warning(f"refused {receipt.source}/{receipt.file_name}: {receipt.reason}. {receipt.remedy}")
    if not ingest.receipts:
        context.log.info(f"nothing new has landed: all {ingest.unchanged_files} files are known")
        return
    for name in SOURCES:
        mine = [receipt for receipt in ingest.receipts if receipt.source == name]
        if mine:
            yield dg.AssetMaterialization(RAW_KEYS[name], metadata=receipts_metadata(mine))
    counts = {
        "receipts": len(ingest.receipts),
        "quarantine": sum(receipt.rows_quarantined for receipt in ingest.receipts),
        "file_findings": len(ingest.findings),
    }
    for name, new in counts.items():
        if new:
            yield dg.AssetMaterialization(BOOK_KEYS[name], metadata={"new_rows": new})


class _Told:
    """What a build did, as materializations: of what ran, and of months where the asset holds months."""

    def __init__(
        self,
        settings: Settings,
        manifest: dict[str, Any],
        specs: dict[dg.AssetKey, dg.AssetSpec],
        report: pipeline.RunReport,
    ) -> None:
        self._settings = settings
        self._specs = specs
        self._report = report
        nodes = manifest["nodes"]
        self._built = [dg.AssetKey([nodes[k]["schema"], nodes[k]["name"]]) for k in report.built if k in nodes]

    def materializations(self, asked: Sequence[str]) -> Iterator[dg.AssetMaterialization]:
        """`asked` are the run's months: told of every asset that was made, with or without rows in them."""
        note = {"rerun": self._why()} if self._report.marked else {}
        with duck.connect(self._settings.warehouse_path, self._settings, read_only=True) as connection:
            tables = figures.tables_there(connection)
            known = billing_months.get_partition_keys()
            for key in self._built:
                relation = ".".join(key.path)
                if self._specs[key].partitions_def is None:
                    rows = figures.row_count(connection, relation) if relation in tables else {}
                    yield dg.AssetMaterialization(key, metadata={**rows, **note})
                    continue
                months = sorted({*asked, *self._touched(known)})
                by_month: dict[str, dict[str, Any]] = {month: {} for month in months}
                if relation in tables:
                    by_month = figures.month_figures(connection, relation, months)
                for month, found in by_month.items():
                    if month in asked or found.get("rows", 1):
                        yield dg.AssetMaterialization(key, metadata={**found, **note}, partition=month)

    def _touched(self, known: Sequence[str]) -> list[str]:
        """Months the build touched; all there are where it touched contract data or built everything."""
        touched = {month[:7] for month in self._report.touched_months}
        if self._report.full_refresh or EVERY_MONTH in touched:
            return list(known)
        return sorted(touched & set(known))

    def _why(self) -> str:
        marked = self._report.marked
        assert marked is not None
        same = "nothing changed" if self._report.same_as_before else "content changed"
        return f"{marked.again.reason or 'no reason given'}; {same}"


def _standing(settings: Settings) -> Verdict:
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        found = verdicts.find(connection, combine(candidate_hashes(connection)))
    if found is None:
        raise dg.Failure("the candidate was not judged as it stands: run again", allow_retries=False)
    return found


def _verdict_metadata(settings: Settings, verdict: Verdict, report: pipeline.RunReport) -> dict[str, Any]:
    told = pipeline.rerun_text(report)
    closed = closed_until(ledger.entries(settings))
    touched = months_named(report.touched_months)
    in_closed = [month for month in touched if month <= closed]
    if in_closed:
        told.append(f"{', '.join(in_closed)} closed: what changed there is a correction on the next open invoice")
    return {
        "passed": verdict.passed,
        "candidate_hash": verdict.candidate_hash,
        "checks": len(verdict.checks),
        "failed": len(verdict.failed),
        "models_run": report.models_run,
        "nothing_changed": report.same_as_before if report.verdict else True,
        "touched_months": ", ".join(touched) or "none",
        "tenant_months_invoiced_again": _invoiced_again(report),
        "load_batch": _newest_batch(settings),
        **({"rerun": "; ".join(told)} if told else {}),
        **failed_metadata(verdict),
        **page_metadata(settings),
    }


def _invoiced_again(report: pipeline.RunReport) -> str:
    if report.moved_tenant_months is not None:
        return str(report.moved_tenant_months)
    return "all" if report.models_run else "none"


def _newest_batch(settings: Settings) -> int:
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        return newest_batch(connection)


def _refusal(verdict: Verdict) -> dg.Failure:
    named = "; ".join(f"{check.name} on {check.subject}: {check.remedy}" for check in verdict.failed[:5])
    return dg.Failure(
        f"{len(verdict.failed)} of {len(verdict.checks)} checks failed, so nothing is published and the last release "
        f"stays served. {named}",
        allow_retries=False,
    )
