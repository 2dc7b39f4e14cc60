"""What must hold before the candidate in the build file may be published; each refusal says which did not.

Only looks. That publishing asks, by every door, is release.py's to see to.
"""

from __future__ import annotations

import duckdb

from orchestration.errors import GateRefused
from orchestration.quality import known_hashes, seal
from orchestration.quality import verdict as verdicts
from orchestration.quality.content_hash import combine
from orchestration.quality.required import missing_checks
from orchestration.quality.verdict import Verdict
from orchestration.settings import Settings
from orchestration.warehouse import fencing, state
from orchestration.warehouse.fingerprint import project_hash
from orchestration.warehouse.writer_lock import WRITTEN_BY_ANOTHER_HAND, doubt_noted

RUN_AGAIN = "Run `meterhouse run`: it builds and judges the current state, and publishes it if it passes."


def demand_verdict(connection: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[Verdict, dict[str, str]]:
    """The passing verdict on the candidate, and the hash of every mart. Call with the write lock held.

    Raises GateRefused unless the verdict is on exactly this content, passed, whole, as the gate gave it, of
    the project as it is now, and the candidate holds everything taken in.
    """
    hashes = known_hashes.mart_hashes(connection, settings)
    if not hashes:
        raise no_candidate()
    found = verdicts.find(connection, combine(hashes))
    if found is None:
        raise GateRefused(
            "the candidate was not judged as it stands: no verdict has its content hash",
            RUN_AGAIN,
        )
    if not found.passed:
        raise _failed(found)
    sealed = seal.find(connection, settings)
    if sealed is None or found.candidate_hash != combine(hashes):
        raise GateRefused(
            "the verdict is not the one the gate gave: its seal is missing or does not match",
            f"Only the gate may write a verdict. {RUN_AGAIN}",
        )
    _demand_of_today(connection, settings, sealed)
    if missing := missing_checks(connection, settings, found):
        raise GateRefused(
            f"{len(missing)} check(s) are missing from the verdict, so they were skipped: {', '.join(missing[:5])}",
            f"Every check of the project must be judged. {RUN_AGAIN}",
        )
    if doubt_noted(settings):
        raise GateRefused(
            WRITTEN_BY_ANOTHER_HAND,
            f"Nothing in it is trusted until all of it is rebuilt and judged again. {RUN_AGAIN}",
        )
    return found, hashes


def no_candidate() -> GateRefused:
    """Nothing was ever built here."""
    return GateRefused("there is no candidate to publish", "Run `meterhouse run` first.")


def _failed(found: Verdict) -> GateRefused:
    names = "; ".join(
        f"{check.name} on {check.subject}"
        + (f" (rows {', '.join(check.failing_keys[:3])})" if check.failing_keys else "")
        + (f": {check.remedy}" if check.remedy else "")
        for check in found.failed[:5]
    )
    return GateRefused(
        f"{len(found.failed)} of {len(found.checks)} checks failed: {names}",
        "The last release stays served. Fix the cause and run again.",
    )


def _demand_of_today(connection: duckdb.DuckDBPyConnection, settings: Settings, sealed: seal.Seal) -> None:
    """The verdict is on what would be built now: a candidate passed once may be out of date since."""
    if sealed.project_sha256 != project_hash(settings):
        raise GateRefused("models, seeds or tests have changed since the candidate was judged", RUN_AGAIN)
    newest = fencing.newest(settings)
    if newest is None or sealed.writer_number > newest.number:
        raise GateRefused(
            f"the verdict was given by writer {sealed.writer_number}, but this state folder knows no writer that new",
            f"The build file comes from another place or from a later time. {RUN_AGAIN}",
        )
    if state.awaits_verdict(connection):
        raise GateRefused("the last build was never judged: its run ended before that", RUN_AGAIN)
    if not state.is_current(connection, settings):
        raise GateRefused(
            "the candidate is out of date: files were taken in, or a month was closed, since it was judged", RUN_AGAIN
        )
