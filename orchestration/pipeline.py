"""The main job as plain functions: take in, build, judge, publish. Dagster and tests both call these.

Decides what there is to do; how each step is done belongs to its own package.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from orchestration import duck
from orchestration.errors import BuildFailed
from orchestration.ingestion.damaged_parts import damaged_since
from orchestration.ingestion.landing import IngestReport, anything_new, ingest_landing
from orchestration.progress import Say
from orchestration.publishing import history
from orchestration.publishing.release import Drafting, Release, current_release, publish
from orchestration.quality import seal
from orchestration.quality import verdict as verdicts
from orchestration.quality.gx_runner import SuiteRunner
from orchestration.quality.verdict import Verdict
from orchestration.settings import Settings
from orchestration.warehouse import state
from orchestration.warehouse.again import Again, Marked
from orchestration.warehouse.fingerprint import project_hash
from orchestration.warehouse.writer_lock import doubt_noted, doubt_strangers, settle_doubt, writer_lock
from orchestration.wording import some_of

if TYPE_CHECKING:
    from orchestration.quality.gate import Meanwhile


@dataclass
class RunReport:
    """What one run did. `release` is None only when nothing was ever published."""

    ingest: IngestReport = field(default_factory=IngestReport)
    models_run: int = 0
    full_refresh: bool = False
    touched_months: list[str] = field(default_factory=list)
    # Tenant months priced and invoiced again; None where all of them were, or nothing was built.
    moved_tenant_months: int | None = None
    verdict: Verdict | None = None
    release: Release | None = None
    # Ids of the seeds and models that ran.
    built: list[str] = field(default_factory=list)
    # What was computed again on purpose, and the hash of the verdict that stood before.
    marked: Marked | None = None
    hash_before: str | None = None

    @property
    def same_as_before(self) -> bool:
        """Whether what was judged now is what stood judged before: nothing changed."""
        return self.verdict is not None and self.verdict.candidate_hash == self.hash_before


@dataclass(frozen=True)
class Work:
    """What a run is needed for, in words, and what to do."""

    reason: str
    remedy: str = "Run `meterhouse run` and look at the result."


def has_work(settings: Settings) -> bool:
    """Whether a run would do anything; decided without importing dbt, Dagster or the quality library.

    Reads only. A build file somebody is writing has work: the run itself then says who.
    """
    return work_to_do(settings) is not None


def work_to_do(settings: Settings) -> Work | None:
    """What a run would be for, the first thing found; None where it would do nothing. As `has_work`."""
    try:
        if anything_new(settings):
            return Work("files have landed, changed or gone since the last run")
        judged = standing_verdict(settings)
        if judged is None:
            return Work(_why_not_judged(settings))
    except duckdb.IOException:
        return Work("another process has the build file open", "Wait until it has ended.")
    served = current_release(settings)
    if not judged[1]:
        return Work(
            "the checks of the last build did not all pass",
            "See which ones and what they say to do: `meterhouse quality`. Fix that, then run `meterhouse run`.",
        )
    if served is None:
        return Work("nothing has been published yet")
    if judged[0] != served.content_hash:
        return Work(f"what was judged last is not published: release {served.release_id} is of another build")
    if not (history.history_dir(settings) / served.release_id).exists():
        return Work(f"the history lacks the record of release {served.release_id}")
    return None


def _why_not_judged(settings: Settings) -> str:
    """Why no verdict stands on all there is (`standing_verdict` is None)."""
    if not settings.warehouse_path.exists():
        return "nothing has been built yet"
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        try:
            project, beside = state.built_with(connection)
            if not project:
                return "the last build did not finish" if beside else "nothing has been built yet"
            if project != project_hash(settings):
                served = current_release(settings)
                since = f"release {served.release_id} was judged" if served else "the last build"
                return f"the project (models, seeds or tests) changed since {since}"
            if state.newest_batch(connection) != state.metered_batch(connection):
                return "files were taken in that no build holds yet"
            if state.closed_since(connection, settings):
                return "a month was closed, and is not published as issued yet"
            if not state.is_current(connection, settings):
                return "a file was refused, or is no longer, since the last build"
            if state.awaits_verdict(connection):
                return "the last build has not been judged yet"
        except duckdb.CatalogException:
            return "nothing has been built yet"
    return "the verdict in the build file is not one the gate gave"


def standing_verdict(settings: Settings) -> tuple[str, bool] | None:
    """(hash, passed) of the gate's own verdict on the candidate, if that holds all that has landed."""
    if not settings.warehouse_path.exists():
        return None
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        try:
            if not state.is_current(connection, settings) or state.awaits_verdict(connection):
                return None
            if seal.find(connection, settings) is None:
                return None
            return verdicts.standing(connection)
        except duckdb.CatalogException:
            return None


def take_in(settings: Settings, say: Say, judge_ready: SuiteRunner | None = None) -> IngestReport:
    """Step one: landing to raw store. The first new file starts `judge_ready`, which loads while files are read."""

    def tell(name: str, done: int, total: int) -> None:
        if name and judge_ready:
            judge_ready.start()
        say(f"taking in {name} ({done} of {total})")

    served = current_release(settings)
    if served is not None:
        # The process that served it may have ended before its record was in the history.
        history.settle(settings, served.release_id)
    return ingest_landing(settings, tell)


def build_and_judge(
    settings: Settings,
    say: Say,
    report: RunReport,
    judge_ready: SuiteRunner | None = None,
    again: Again | None = None,
    meanwhile: Meanwhile | None = None,
) -> None:
    """Steps two and three: candidate marts, then the verdict. Skipped when the candidate is current.

    `judge_ready` may be a worker that was started; `again` computes months once more whatever is current;
    `meanwhile` is called while suites run (gate.judge). Call with the writer lock held. Raises BuildFailed with
    the models at fault, MeterhouseError where `again` names what is not there.
    """
    doubt_strangers(settings)
    # No verdict holds what has only just arrived: no need to open the build file for it.
    judged = standing_verdict(settings) if report.ingest.batch is None else None
    doubted = doubt_noted(settings)
    if judged is not None and judged[1] and not doubted and again is None:
        return
    from orchestration.quality import gate
    from orchestration.warehouse.dbt_build import build

    def built(connection: duckdb.DuckDBPyConnection) -> None:
        gate.prepare(connection, settings)
        before = verdicts.standing(connection)
        report.hash_before = before[0] if before else None

    with judge_ready or SuiteRunner(settings) as runner:
        if again is None:
            # What is computed again mostly comes out as it was, and then there is nothing for it to judge.
            runner.start()
        try:
            outcome = build(settings, again=again, at_the_end=built, progress=say)
        except duckdb.Error as error:
            if damage := damaged_since(settings):
                raise damage from error
            raise
        if not outcome.ok:
            raise damaged_since(settings) or BuildFailed(
                "; ".join(outcome.errors[:3]), "The last release stays served. Fix the model or its input."
            )
        settle_doubt(settings)
        report.models_run = outcome.models_run
        report.full_refresh = outcome.full_refresh
        report.touched_months = outcome.touched_months
        report.moved_tenant_months = outcome.moved_tenant_months
        report.built = outcome.built
        report.marked = outcome.marked
        report.verdict = gate.judge(settings, outcome.tests, runner, say, outcome.touched_months, meanwhile)
    for line in rerun_text(report):
        say(line)


def rerun_text(report: RunReport) -> list[str]:
    """What came of computing again, in plain sentences; nothing where that was not asked for."""
    if report.marked is None or report.verdict is None:
        return []
    again = report.marked.again
    what = ", ".join([*again.months, *again.models])
    told = [f"recomputed: {what}{f' ({again.reason})' if again.reason else ''}"]
    if again.tenants and again.months:
        told.append(
            f"asked for {', '.join(again.tenants)}: the months were metered for all tenants, then priced and invoiced "
            "again for these and for any whose usage changed"
        )
    if report.same_as_before:
        told.append(f"nothing changed: content hash {report.verdict.candidate_hash[:12]} as before")
    else:
        before = (report.hash_before or "none")[:12]
        told.append(f"content hash {report.verdict.candidate_hash[:12]}, previously {before}")
    if report.marked.new_files:
        months = ", ".join(report.marked.other_months(report.touched_months)) or "no other month"
        named = some_of(report.marked.new_files, 20)
        told.append(f"newly landed files were included and affected {months}: {named}")
    return told


def run_all(settings: Settings, say: Say | None = None, again: Again | None = None) -> RunReport:
    """All steps in this process, under the writer lock. Raises GateRefused, BuildFailed, WarehouseBusy."""
    tell = say or (lambda _: None)
    report = RunReport()
    with writer_lock(settings), ExitStack() as ending:
        ready = ending.enter_context(SuiteRunner(settings))
        report.ingest = take_in(settings, tell, ready)
        drafting = ending.enter_context(Drafting(settings))
        build_and_judge(settings, tell, report, ready, again, drafting.write)
        tell("publishing")
        report.release = publish(settings, drafting.draft)
    return report
